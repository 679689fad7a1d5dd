import { ATTEMPT_STATUSES, NEWS_SOURCES } from '@payflow/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  believe,
  isFinal,
  isTooLate,
  nextInquiry_ms,
  type AttemptStatus,
  type News,
  type NewsOutcome,
} from './attempt.js';

const OUTCOMES: readonly NewsOutcome[] = [
  'approved',
  'declined',
  'requires_action',
  'not_sent',
  'unknown',
  'not_found',
];

/** What each word makes of each status; `!` calls for attention, `-` moves nothing. */
const answer = { source: 'answer' } as const;
const inquiry = { source: 'inquiry' } as const;
const webhook = { source: 'webhook' } as const;
const operator = { source: 'operator' } as const;
const TABLE: readonly [Omit<News, 'outcome'>, NewsOutcome, Partial<Record<AttemptStatus, string>>][] = [
  [answer, 'approved', { sending: 'approved', unknown: 'approved', approved: '-', declined: '!', not_sent: '!' }],
  [answer, 'declined', { sending: 'declined', unknown: 'declined', approved: '!', declined: '-', not_sent: '-' }],
  [answer, 'requires_action', { sending: 'requires_action', requires_action: '-', approved: '-', not_sent: '!' }],
  [answer, 'not_sent', { created: 'not_sent', sending: 'not_sent', unknown: '-', approved: '-', declined: '-' }],
  [answer, 'unknown', { sending: 'unknown', unknown: '-', requires_action: '-', approved: '-' }],
  [inquiry, 'approved', { sending: 'approved', unknown: 'approved', requires_action: 'approved', declined: '!' }],
  [inquiry, 'declined', { unknown: 'declined', requires_action: 'declined', approved: '!', not_sent: '-' }],
  [inquiry, 'requires_action', { unknown: 'requires_action', requires_action: '-', approved: '-' }],
  [inquiry, 'not_sent', { sending: '-', unknown: '-', requires_action: '-', approved: '-' }],
  [inquiry, 'unknown', { sending: '-', unknown: '-', requires_action: '-', declined: '-' }],
  [inquiry, 'not_found', { sending: '-', unknown: 'created', requires_action: '!', approved: '!', declined: '-' }],
  [webhook, 'approved', { sending: 'approved', unknown: 'approved', requires_action: 'approved', declined: '!' }],
  [webhook, 'declined', { unknown: 'declined', approved: '!', declined: '-' }],
  [operator, 'approved', { unknown: 'approved', declined: '!' }],
  [operator, 'declined', { unknown: 'declined', requires_action: 'declined', approved: '!' }],
];

describe('a word on an attempt', () => {
  const cells = TABLE.flatMap(([source, outcome, row]) =>
    Object.entries(row).map(
      ([status, then]) => [`${source.source} ${outcome}`, status, then, { ...source, outcome }] as const,
    ),
  );
  it.each(cells)('%s, when it is %s: %s', (_name, status, then, news) => {
    const { status: next, needsAttention } = believe(status as AttemptStatus, news, true);
    expect(needsAttention ? '!' : (next ?? '-')).toBe(then);
  });

  it.each([
    ['unknown', 'declined', 'approved', null, false],
    ['unknown', 'not_found', 'approved', null, false],
    ['unknown', 'approved', 'declined', null, false],
    ['sending', 'declined', 'approved', 'unknown', false],
    ['requires_action', 'declined', 'approved', null, true],
    ['unknown', 'approved', 'approved', 'approved', false],
    ['unknown', 'declined', 'declined', 'declined', false],
    ['unknown', 'not_found', 'declined', 'created', false],
  ] as const)(
    'of an inquiry, when it is %s: %s after a webhook said %s: to %s',
    (status, outcome, told, next, looked) => {
      expect(believe(status, { source: 'inquiry', outcome }, true, told)).toEqual({
        status: next,
        needsAttention: looked,
      });
    },
  );

  it('that it was not sent is doubted after a webhook said that it was done', () => {
    expect(believe('sending', { source: 'answer', outcome: 'not_sent' }, true, 'approved').status).toBe('unknown');
    expect(believe('sending', { source: 'answer', outcome: 'not_sent' }, true, 'declined').status).toBe('not_sent');
  });

  it('of a human is taken against that of a webhook', () => {
    expect(believe('unknown', { source: 'operator', outcome: 'declined' }, true, 'approved').status).toBe('declined');
  });

  it('that it was never heard of ends what is too late to be sent', () => {
    expect(believe('unknown', { source: 'inquiry', outcome: 'not_found' }, false).status).toBe('not_sent');
  });

  it('decides once: no order of words leaves what is final, and each that differs is looked at', () => {
    const words = fc.array(
      fc.record({
        source: fc.constantFrom(...NEWS_SOURCES),
        outcome: fc.constantFrom(...OUTCOMES),
        late: fc.boolean(),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...ATTEMPT_STATUSES), words, (first, news) => {
        let status = first;
        for (const { late, ...word } of news) {
          const belief = believe(status, word, !late);
          if (isFinal(status)) {
            expect(belief.status).toBeNull();
            if (word.outcome === 'approved') expect(belief.needsAttention).toBe(status !== 'approved');
          }
          if (belief.needsAttention) expect(belief.status).toBeNull();
          // It is sent again only after the provider itself has said that it never heard of it.
          if (belief.status === 'created')
            expect([status, word.outcome, late]).toEqual(['unknown', 'not_found', false]);
          status = belief.status ?? status;
        }
      }),
    );
  });
});

const S = 1_000;
const H = 3_600 * S;
const schedule = { delays_ms: [5 * S, 30 * S, 300 * S, H, 6 * H], until_ms: 7 * 24 * H };

describe('the next inquiry', () => {
  it.each([
    [0, 5 * S],
    [5 * S, 25 * S],
    [5.1 * S, 24.9 * S],
    [30 * S, 270 * S],
    [300 * S, H - 300 * S],
    [H, 5 * H],
    [6 * H, 6 * H],
    [13 * H, 5 * H],
    [7 * 24 * H - S, S],
    [7 * 24 * H, undefined],
    [30 * 24 * H, undefined],
  ])('after %d ms comes in %d ms', (unknown_ms, next) => {
    expect(nextInquiry_ms(unknown_ms, schedule)).toBe(next);
  });

  it('comes in the end to a human, whatever was waited', () => {
    let [now, rounds] = [0, 0];
    for (let next = nextInquiry_ms(0, schedule); next !== undefined; next = nextInquiry_ms(now, schedule)) {
      expect(next).toBeGreaterThan(0);
      now += next;
      rounds++;
    }
    expect([now, rounds]).toEqual([7 * 24 * H, 32]);
  });
});

describe('what is too late', () => {
  it('takes money, and never gives it back', () => {
    expect(isTooLate('sale', 10, 10)).toBe(true);
    expect(isTooLate('capture', 9, 10)).toBe(false);
    expect(isTooLate('refund', 11, 10)).toBe(false);
    expect(isTooLate('void', 11, 10)).toBe(false);
  });
});
