import { DISPUTE_LEGS, DISPUTE_STATUSES, newId } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import {
  amountDisputed,
  evidenceAnswered,
  evidenceAsked,
  firstHeard,
  heard,
  legAnswered,
  swept,
  type Course,
  type Dispute,
  type DisputeMoment,
} from './dispute.js';
import { isDecided, isLegalLeg, isLegalStatus, legAfterSweep, legAfterVerdict, legAfterWin } from './dispute-states.js';
import { isRefundDisputed } from './disputed-refund.js';

const newEventId = () => newId('event');
const moment: DisputeMoment = { now: '2026-11-25T12:00:00.000Z', isOfNothing: false, newEventId };
const facts = {
  tenant: newId('tenant'),
  livemode: false,
  payment: newId('payment'),
  connector: 'cards',
  providerReference: 'dsp_1',
  amount: '40',
  asset: 'USD',
  reason: 'fraudulent',
  source: newId('account'),
  destination: newId('account'),
  evidenceDueBy: '2026-12-01T00:00:00.000Z',
};
const fresh = firstHeard({ ...facts, word: 'opened' }, moment).dispute;
const at = (change: Partial<Dispute>): Dispute => ({ ...fresh, ...change });
const idle = { legCommand: null, legTransfer: null };
const taken = at({ ...idle, leg: 'taken', transfer: newId('transfer'), legTry: 0, version: 2 });
const posted = { isPosted: true, reason: null, accounts: [] };
const kinds = (course: Course | 'known' | 'contradicts') =>
  typeof course === 'string' ? course : course.news.map(({ kind }) => kind).join();
const shown = (course: Course | 'known' | 'contradicts') =>
  typeof course === 'string' ? course : `${course.dispute.status} ${course.dispute.leg}`;

describe('a provider’s word on a dispute', () => {
  it.each([
    ['opened', 'needs_response taking'],
    ['won', 'won taking'],
    ['lost', 'lost taking'],
  ] as const)('%s, when it is the first: %s', (word, expected) => {
    const course = firstHeard({ ...facts, word }, moment);
    expect([shown(course), kinds(course)]).toEqual([expected, 'changed,leg']);
  });

  it.each([
    ['opened, again', fresh, 'opened', 'known'],
    ['won while the ledger is asked', fresh, 'won', 'won taking'],
    ['won when the money is taken', taken, 'won', 'won returning'],
    ['won when it could not be taken', at({ ...idle, leg: 'refused' }), 'won', 'won waived'],
    ['won, again', at({ status: 'won' }), 'won', 'known'],
    ['won after lost', at({ status: 'lost' }), 'won', 'contradicts'],
    ['lost when the money is taken', taken, 'lost', 'lost taken'],
    [
      'lost when it could not be taken: it is owed all the same',
      at({ ...idle, leg: 'refused' }),
      'lost',
      'lost refused',
    ],
    ['lost after won', at({ status: 'won' }), 'lost', 'contradicts'],
    ['opened after lost', at({ status: 'lost' }), 'opened', 'known'],
    ['lost while it is reviewed', at({ status: 'under_review' }), 'lost', 'lost taking'],
  ] as const)('%s', (_, dispute, word, expected) => {
    expect(shown(heard(dispute, { word }, moment))).toBe(expected);
  });

  it('leaves no reason of a refusal behind where nothing is to be moved any more', () => {
    const reason = 'account_frozen';
    const won = heard(at({ ...idle, leg: 'refused', legReason: reason }), { word: 'won' }, moment) as Course;
    const wonBefore = legAnswered(at({ status: 'won' }), { ...posted, isPosted: false, reason }, moment) as Course;
    expect([won, wonBefore].map(({ dispute: { leg, legReason } }) => [leg, legReason])).toEqual([
      ['waived', null],
      ['waived', null],
    ]);
  });
});

describe('until when evidence is taken', () => {
  const due = '2026-12-24T00:00:00.000Z';
  const dueOf = (dispute: Dispute, evidenceDueBy: string | null) => {
    const course = heard(dispute, { word: 'opened', evidenceDueBy }, moment);
    return typeof course === 'string' ? course : [course.dispute.evidenceDueBy, course.dispute.version, kinds(course)];
  };

  it.each([
    ['may be told after the dispute', at({ evidenceDueBy: null }), due, [due, 2, 'changed']],
    ['is told once', fresh, due, 'known'],
    ['is not forgotten where it is not told again', fresh, null, 'known'],
    ['is of no interest any more when it is decided', at({ status: 'lost', evidenceDueBy: null }), due, 'known'],
  ] as const)('%s', (_, dispute, told, expected) => {
    expect(dueOf(dispute, told)).toEqual(expected);
  });
});

describe('the ledger’s word', () => {
  it('is known where nothing was asked', () => {
    expect(legAnswered(taken, posted, moment)).toBe('known');
  });

  it('gives each try ids of its own, and a movement back its own count', () => {
    const refused = (legAnswered(fresh, { ...posted, isPosted: false, reason: 'account_frozen' }, moment) as Course)
      .dispute;
    const again = (swept(refused, moment) as Course).dispute;
    expect([again.legTry, again.legCommand === fresh.legCommand, again.legTransfer === fresh.legTransfer]).toEqual([
      2,
      false,
      false,
    ]);
    const won = (heard(again, { word: 'won' }, moment) as Course).dispute;
    const back = (legAnswered(won, posted, moment) as Course).dispute;
    expect([back.leg, back.legTry, back.transfer]).toEqual(['returning', 1, again.legTransfer]);
  });

  it('is asked for in the same words while it has not come', () => {
    const course = swept(fresh, moment) as Course;
    expect(course.dispute).toBe(fresh);
    expect(course.news).toMatchObject([{ kind: 'leg', isRepeat: true, leg: { command: fresh.legCommand, number: 1 } }]);
    expect(swept(taken, moment)).toBe('known');
  });
});

describe('evidence', () => {
  const asked = (dispute: Dispute, createdAt: string, ifVersion?: number) =>
    evidenceAsked(dispute, { command: newId('event'), createdAt, ifVersion });
  const ask = (dispute: Dispute, createdAt = moment.now) => kinds(asked(dispute, createdAt));

  it.each([
    ['while the provider waits for it', fresh, 'evidence_asked'],
    ['where no time is named', at({ evidenceDueBy: null }), 'evidence_asked'],
    ['while it is reviewed', at({ status: 'under_review' }), 'evidence_rejected'],
    ['when it is won', at({ status: 'won' }), 'evidence_rejected'],
    ['when it is lost', at({ status: 'lost' }), 'evidence_rejected'],
    [
      'while other evidence is on its way',
      at({ evidenceCommand: newId('event'), evidenceAttempt: newId('attempt') }),
      'evidence_rejected',
    ],
  ])('%s', (_, dispute, expected) => {
    expect(ask(dispute)).toBe(expected);
  });

  it.each([
    ['of the version that was seen', fresh, fresh.version, 'evidence_asked'],
    ['of what has changed since', fresh, fresh.version - 1, 'version_differs'],
    ['of what has not come so far again, since the database was set back', fresh, fresh.version + 1, 'evidence_asked'],
    ['of what changed and was decided', at({ status: 'won' }), fresh.version - 1, 'version_differs'],
  ])('is for %s', (_, dispute, seen, expected) => {
    const [news] = (asked(dispute, moment.now, seen) as Course).news;
    expect(news?.kind === 'evidence_rejected' ? news.reason : news?.kind).toBe(expected);
  });

  it('comes too late after its time', () => {
    expect(ask(fresh, '2026-12-01T00:00:00.001Z')).toBe('evidence_rejected');
  });

  it('that arrives after the decision changes nothing, and nobody waits for it any more', () => {
    const attempt = newId('attempt');
    const dispute = at({ status: 'lost', evidenceCommand: newId('event'), evidenceAttempt: attempt });
    const course = evidenceAnswered(dispute, { attempt, isApproved: true, code: null }, moment) as Course;
    expect([shown(course), kinds(course), course.dispute.evidenceCommand]).toEqual([
      'lost taking',
      'evidence_rejected',
      null,
    ]);
    expect(evidenceAnswered(dispute, { attempt: newId('attempt'), isApproved: true, code: null }, moment)).toBe(
      'known',
    );
  });
});

describe('the states', () => {
  it('a decision is never left', () => {
    for (const from of DISPUTE_STATUSES.filter(isDecided))
      for (const to of DISPUTE_STATUSES.filter((status) => status !== from))
        expect(isLegalStatus(from, to)).toBe(false);
  });

  it('whatever is heard moves the money only as the table says', () => {
    for (const leg of DISPUTE_LEGS) {
      if (leg !== 'returned' && leg !== 'return_refused') expect(isLegalLeg(leg, legAfterWin(leg))).toBe(true);
      if (leg !== 'taking' && leg !== 'returning') continue;
      for (const status of leg === 'returning' ? (['won'] as const) : DISPUTE_STATUSES)
        for (const isPosted of [true, false])
          expect(isLegalLeg(leg, legAfterVerdict(leg, isPosted, status))).toBe(true);
    }
  });

  it('nothing is left taken of a payment that ended with nothing captured, whatever the provider says', () => {
    const idleAt = DISPUTE_LEGS.filter((leg) => leg !== 'taking' && leg !== 'returning');
    expect(idleAt.map((leg) => [leg, legAfterSweep(leg, true) ?? leg])).toEqual([
      ['taken', 'returning'],
      ['refused', 'waived'],
      ['returned', 'returned'],
      ['return_refused', 'returning'],
      ['waived', 'waived'],
    ]);
    for (const status of DISPUTE_STATUSES)
      expect([true, false].map((isPosted) => legAfterVerdict('taking', isPosted, status, true))).toEqual([
        'returning',
        'waived',
      ]);
  });

  it('only what is won is disputed no more', () => {
    expect(DISPUTE_STATUSES.map((status) => amountDisputed({ status, amount: '40' }))).toEqual(['40', '40', '0', '40']);
  });
});

it.each([
  ['all of what is not disputed', 60n, false],
  ['one more', 61n, true],
  ['more than was captured, which is another refusal', 101n, false],
])('a refund of %s', (_, amount, expected) => {
  expect(isRefundDisputed({ captured: 100n, refunded: 0n, refunding: 0n, disputed: 40n }, amount)).toBe(expected);
});

it('a refund of anything where more is disputed than is left', () => {
  expect(isRefundDisputed({ captured: 100n, refunded: 50n, refunding: 20n, disputed: 100n }, 1n)).toBe(true);
});
