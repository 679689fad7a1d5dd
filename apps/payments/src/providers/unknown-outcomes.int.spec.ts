import { newUuid, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { enqueue } from '@payflow/jobs';
import type { Messaging } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invariants } from '../database/index.js';
import type { Wishes } from '../testing/attempts.js';
import { attemptsStage } from '../testing/attempts-stage.js';
import { act, deskWith, neverHeard, no, silence, unsent, yes } from '../testing/scripted-provider.js';
import { providerJobs } from './ask-providers.js';
import type { NewAttempt } from './attempt.js';
import { attemptsInNeed } from './attempt.repository.js';
import { AttemptSweeper } from './attempt-sweeper.js';

configureLogging({ level: 'silent' });

let db: TestDatabase;
let messaging: Messaging;
let wishes: Wishes;
beforeAll(async () => {
  ({ db, messaging, wishes } = await attemptsStage());
});
afterAll(() => db.drop());

const house = (...names: string[]) => deskWith(db, messaging, ...names);
const outcomes = async (attempt: NewAttempt) => (await wishes.answers(attempt)).map(({ outcome }) => outcome);
const statuses = async (attempt: NewAttempt) => (await wishes.attempts(attempt)).map(({ status }) => status);
const uuid = ({ payment }: NewAttempt) => uuidOf('payment', payment);

const ROUTING = statement('spec.routing', 'select routing from attempts where payment_id = $1');

describe('an outcome that is not known', () => {
  it.each([
    ['never answered', silence],
    ['broke', new Error('bug')],
  ])('of a connector that %s is asked for in 5 s, and told to nobody', async (_what, answer) => {
    const { first, ask } = house();
    first.answers = [answer];
    const attempt = await wishes.ask();
    await ask(attempt);
    expect(await statuses(attempt)).toEqual(['unknown']);
    expect(await outcomes(attempt)).toEqual([]);
    const due = (await wishes.jobs(attempt)).find(({ job }) => job === 'provider.inquire')?.due_s ?? 0;
    expect(due).toBeGreaterThan(3);
    expect(due).toBeLessThanOrEqual(5);
  });

  it('is never sent again by whoever finds it sent: the provider is asked at once', async () => {
    const { first, ask, inquire } = house();
    const attempt = await wishes.ask();
    await db.tamper(`update attempts set status = 'sending', connector = 'one' where payment_id = '${uuid(attempt)}'`);
    await ask(attempt);
    expect(first.asked).toEqual([]);
    expect(await statuses(attempt)).toEqual(['unknown']);
    const due = (await wishes.jobs(attempt)).find(({ job }) => job === 'provider.inquire')?.due_s;
    expect(due).toBeLessThanOrEqual(0);
    first.inquiryAnswers = [yes];
    await inquire(attempt);
    expect(await outcomes(attempt)).toEqual(['approved']);
  });

  it('is asked for later and later, and in the end of a human, who can resolve it', async () => {
    const { first, ask, inquire, resolve } = house();
    first.answers = [silence];
    const attempt = await wishes.ask();
    await ask(attempt);
    await wishes.age(attempt, '31 seconds');
    await inquire(attempt);
    const due = (await wishes.jobs(attempt)).find(({ job }) => job === 'provider.inquire')?.due_s ?? 0;
    expect(due).toBeGreaterThan(260);
    expect(due).toBeLessThanOrEqual(269);
    await wishes.age(attempt, '7 days');
    await inquire(attempt);
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'unknown', inquiries: 2, needs_attention: true }]);
    const listed = await attemptsInNeed(db.database, 10);
    expect(listed.find(({ id }) => id === attempt.id)).toMatchObject({ payment: attempt.payment, amount: '1000' });
    await resolve(attempt, { reference: 'auth_7' });
    expect(await wishes.attempts(attempt)).toMatchObject([
      { status: 'approved', reference: 'auth_7', needs_attention: false },
    ]);
    expect(await wishes.answers(attempt)).toMatchObject([{ outcome: 'approved', provider_reference: 'auth_7' }]);
  });

  it('of an authorization tells since when it may be good: since it was sent, not since it was found out', async () => {
    const { first, ask, inquire } = house();
    first.answers = [silence, yes];
    first.inquiryAnswers = [yes];
    const late = await wishes.ask({ action: 'authorize' });
    await ask(late);
    await db.tamper(`update attempts set sent_at = '2026-01-01T00:00:00Z' where payment_id = '${uuid(late)}'`);
    await inquire(late);
    expect(await wishes.answers(late)).toMatchObject([{ authorized_at: '2026-01-01T00:00:00.000Z' }]);
    const answered = await wishes.ask({ action: 'authorize' });
    await ask(answered);
    const [{ authorized_at = '' } = {}] = await wishes.answers(answered);
    expect(Date.now() - Date.parse(authorized_at)).toBeLessThan(60_000);
  });

  it('of an authorization whose customer had to act is good since they did', async () => {
    const { first, ask, inquire } = house();
    first.answers = [act];
    first.inquiryAnswers = [yes];
    const attempt = await wishes.ask({ action: 'authorize' });
    await ask(attempt);
    await db.tamper(`update attempts set sent_at = '2026-01-01T00:00:00Z' where payment_id = '${uuid(attempt)}'`);
    await inquire(attempt);
    const [, { authorized_at = '' } = {}] = await wishes.answers(attempt);
    expect(Date.now() - Date.parse(authorized_at)).toBeLessThan(60_000);
  });

  it('that waits for a human does no more when the provider has said how it ended after all', async () => {
    const { first, ask, inquire } = house();
    first.answers = [silence];
    const attempt = await wishes.ask();
    await ask(attempt);
    await wishes.age(attempt, '7 days');
    await inquire(attempt);
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'unknown', needs_attention: true }]);
    first.inquiryAnswers = [yes];
    await inquire(attempt);
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'approved', needs_attention: false }]);
    expect(await outcomes(attempt)).toEqual(['approved']);
  });

  it('of what the provider never heard of is sent again under the same key', async () => {
    const { first, ask, inquire } = house();
    first.answers = [silence, yes];
    first.inquiryAnswers = [neverHeard];
    const attempt = await wishes.ask();
    await ask(attempt);
    await inquire(attempt);
    expect(await statuses(attempt)).toEqual(['created']);
    await ask(attempt);
    // Why it was this one stays as it was said when it was chosen.
    const [explained] = await db.database.rows(ROUTING, [uuid(attempt)]);
    expect(explained?.['routing']).toMatchObject({ candidates: [{ connector: 'one', reason: 'only_one' }] });
    expect(first.asked.map(({ idempotencyKey }) => idempotencyKey)).toEqual([attempt.id, attempt.id]);
    expect(await outcomes(attempt)).toEqual(['approved']);
  });

  it('of evidence is sent again as well, though its operation is done and somebody has taken the payment', async () => {
    const { first, ask, inquire } = house();
    [first.answers, first.inquiryAnswers] = [[silence, yes], [neverHeard]];
    const attempt = await wishes.ask({ action: 'submit_evidence', connector: 'one', operation: newUuid() });
    for (const step of [ask, inquire, ask]) await step(attempt);
    expect(first.asked.map(({ idempotencyKey }) => idempotencyKey)).toEqual([attempt.id, attempt.id]);
    expect(await outcomes(attempt)).toEqual(['approved']);
  });

  it('is not taken to another connector when the second sending is refused: the first may have been on its way', async () => {
    const { first, second, ask, inquire } = house('one', 'two');
    first.answers = [silence, unsent];
    first.inquiryAnswers = [neverHeard];
    const attempt = await wishes.ask();
    await ask(attempt);
    await inquire(attempt);
    await ask(attempt);
    expect(await statuses(attempt)).toEqual(['unknown']);
    expect(second.asked).toEqual([]);
  });

  it('of what it is too late to send ends as not sent', async () => {
    const { first, ask, inquire, retell } = house();
    first.answers = [silence];
    first.inquiryAnswers = [neverHeard];
    const attempt = await wishes.ask();
    await ask(attempt);
    await db.tamper(`update payments set expires_at = now() where id = '${uuid(attempt)}'`);
    await inquire(attempt);
    const told = { outcome: 'not_sent', code: 'payment_expired' };
    expect(await wishes.answers(attempt)).toMatchObject([told]);
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'not_sent', code: 'payment_expired' }]);
    await retell(attempt);
    expect(await wishes.answers(attempt)).toMatchObject([told, told]);
  });

  it('is asked for at once when somebody wants to know', async () => {
    const { first, ask } = house();
    first.answers = [silence];
    const unknown = await wishes.ask();
    await ask(unknown);
    await wishes.database.transaction((tx) => enqueue(tx, providerJobs([], [{ ...unknown, traceparent: undefined }])));
    const inquiries = (await wishes.jobs(unknown)).filter(({ job }) => job === 'provider.inquire');
    expect(inquiries).toHaveLength(1);
    expect(inquiries[0]?.due_s).toBeLessThanOrEqual(0);
  });

  it('stays open where an inquiry says the opposite of a signed webhook, until one of them is taken back', async () => {
    const { first, ask, inquire } = house();
    first.answers = [silence];
    const attempt = await wishes.ask();
    await ask(attempt);
    await wishes.hears(attempt, 'attempt_approved');
    first.inquiryAnswers = [no, neverHeard, yes];
    while (first.inquiryAnswers.length > 1) {
      await inquire(attempt);
      expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'unknown', needs_attention: false }]);
      expect((await wishes.jobs(attempt)).map(({ job }) => job)).toContain('provider.inquire');
    }
    await inquire(attempt);
    expect(await outcomes(attempt)).toEqual(['approved']);
  });

  it.each([
    ['declined', [no]],
    ['not_sent', [silence]],
  ])('that ended as %s, and of which a webhook says the opposite, is for a human to look at', async (end, answers) => {
    const { first, ask, inquire } = house();
    first.answers = answers;
    first.inquiryAnswers = [neverHeard];
    const attempt = await wishes.ask();
    await ask(attempt);
    await db.tamper(`update payments set expires_at = now() where id = '${uuid(attempt)}'`);
    if (end === 'not_sent') await inquire(attempt);
    await wishes.hears(attempt, 'attempt_approved');
    const before = first.inquiries;
    await inquire(attempt);
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: end, needs_attention: true }]);
    expect([first.inquiries - before, await outcomes(attempt)]).toEqual([0, [end]]);
  });

  it('of what is too late to be sent again is asked for, and not given up, where a webhook says that it was done', async () => {
    const { first, ask, inquire } = house();
    first.answers = [silence];
    first.inquiryAnswers = [neverHeard, yes];
    const attempt = await wishes.ask();
    await ask(attempt);
    await inquire(attempt);
    expect(await statuses(attempt)).toEqual(['created']);
    await wishes.hears(attempt, 'attempt_approved');
    await db.tamper(`update payments set expires_at = now() where id = '${uuid(attempt)}'`);
    await ask(attempt);
    expect([await statuses(attempt), await outcomes(attempt)]).toEqual([['unknown'], []]);
    expect((await wishes.jobs(attempt)).map(({ job }) => job)).toContain('provider.inquire');
    await inquire(attempt);
    expect(await outcomes(attempt)).toEqual(['approved']);
  });

  it('has no word from the webhook of a connector that was not asked, whatever that says', async () => {
    const { first, ask, inquire } = house();
    first.answers = [silence];
    const attempt = await wishes.ask();
    await ask(attempt);
    await wishes.hears(attempt, 'attempt_declined', 'two');
    first.inquiryAnswers = [yes];
    await inquire(attempt);
    await inquire(attempt);
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'approved', needs_attention: false }]);
    expect(await outcomes(attempt)).toEqual(['approved']);
  });

  it('that contradicts what is known moves nothing, is kept, and calls for a human', async () => {
    const { first, ask, inquire, resolve } = house();
    const attempt = await wishes.ask();
    // While the answer is on its way, an inquiry brings a certain word; what the answer says then is late.
    first.inquiryAnswers = [yes];
    first.beforeAnswer = () => inquire(attempt);
    first.answers = [no];
    await ask(attempt);
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'approved', needs_attention: true }]);
    expect(await wishes.evidence(attempt)).toEqual([
      { source: 'inquiry', outcome: 'approved', believed: true },
      { source: 'answer', outcome: 'declined', believed: false },
    ]);
    expect(await outcomes(attempt)).toEqual(['approved']);
    await resolve(attempt, { reason: 'they were wrong' });
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'approved', needs_attention: false }]);
    expect(await outcomes(attempt)).toEqual(['approved']);
  });
});

describe('where the customer has to act', () => {
  const inquiryIn = async (attempt: NewAttempt) =>
    (await wishes.jobs(attempt)).find(({ job }) => job === 'provider.inquire')?.due_s;

  it.each([
    ['no answer', silence],
    ['an answer that is behind it', act],
  ])('and a webhook says that they have, %s to the question does not lose its word', async (_what, answer) => {
    const { first, ask, inquire } = house();
    first.answers = [act];
    const attempt = await wishes.ask();
    await ask(attempt);
    await wishes.hears(attempt, 'attempt_approved');
    for (const [least, most] of [
      [3, 5],
      [28, 30],
    ] as const) {
      first.inquiryAnswers = [answer];
      await inquire(attempt);
      expect(await statuses(attempt)).toEqual(['requires_action']);
      const due = (await inquiryIn(attempt)) ?? 0;
      expect([due > least, due <= most]).toEqual([true, true]);
    }
    first.inquiryAnswers = [yes];
    await inquire(attempt);
    expect(await outcomes(attempt)).toEqual(['requires_action', 'approved']);
  });

  it('and has not acted yet, nobody is asked again unasked', async () => {
    const { first, ask, inquire } = house();
    first.answers = [act];
    first.inquiryAnswers = [act];
    const attempt = await wishes.ask();
    await ask(attempt);
    await inquire(attempt);
    expect(await inquiryIn(attempt)).toBeUndefined();
  });

  it('and no question is answered for seven days, a human is asked', async () => {
    const { first, ask, inquire } = house();
    first.answers = [act];
    const attempt = await wishes.ask();
    await ask(attempt);
    await db.tamper(`update attempts set created_at = now() - interval '7 days' where payment_id = '${uuid(attempt)}'`);
    await inquire(attempt);
    expect(await inquiryIn(attempt)).toBeUndefined();
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'requires_action', needs_attention: true }]);
  });
});

describe('where a customer is to act on what is no authorization', () => {
  it.each(['increment', 'capture', 'refund', 'void'] as const)(
    'a %s is asked about until it has an end',
    async (action) => {
      const { first, ask, inquire } = house();
      first.answers = [act];
      first.inquiryAnswers = [act, yes];
      const attempt = await wishes.ask({
        action,
        connector: 'one',
        request: { reference: 'auth_1' },
        operation: newUuid(),
      });
      await ask(attempt);
      expect(await wishes.attempts(attempt)).toMatchObject([
        { status: 'unknown', code: 'answer_inconclusive', url: null },
      ]);
      expect(await offending('I36', attempt)).toBe(0);
      await inquire(attempt);
      expect((await wishes.jobs(attempt)).map(({ job }) => job)).toContain('provider.inquire');
      await inquire(attempt);
      expect([await statuses(attempt), await outcomes(attempt)]).toEqual([['approved'], ['approved']]);
    },
  );
});

const offending = async (name: string, attempt: NewAttempt) => {
  const check = invariants.find((one) => one.name === name) as Invariant;
  const { sample } = await checkInvariant(db.database, check, 'full');
  return sample.filter((id) => id.includes(uuidOf('attempt', attempt.id))).length;
};

describe('the invariants', () => {
  it('I36 names what has not ended and is in no queue, or dead in it, and not what waits for a human', async () => {
    const attempt = await wishes.ask();
    await wishes.age(attempt, '91 seconds');
    expect(await offending('I36', attempt)).toBe(0);
    await db.tamper(`update graphile_worker._private_jobs set attempts = max_attempts`);
    expect(await offending('I36', attempt)).toBe(1);
    await db.tamper(`delete from graphile_worker._private_jobs`);
    expect(await offending('I36', attempt)).toBe(1);
    await db.tamper(`update attempts set needs_attention = true where payment_id = '${uuid(attempt)}'`);
    expect(await offending('I36', attempt)).toBe(0);
  });

  it('I33 names a secret in what a provider is told', async () => {
    const attempt = await wishes.ask({ request: { reference: 'Bearer abcdefghijklmnopqrstuvwxyz' } });
    expect(await offending('I33', attempt)).toBe(1);
  });
});

describe('the sweeper', () => {
  it('puts what no job is about into the queue again, and leaves alone what a job is about', async () => {
    const lost = await wishes.ask();
    const kept = await wishes.ask();
    const unknown = await wishes.ask();
    await db.tamper(`delete from graphile_worker._private_jobs where payload -> 'data' ->> 'attempt' <> '${kept.id}'`);
    await db.tamper(
      `update attempts set status = 'unknown', connector = 'one', unknown_at = now() where payment_id = '${uuid(unknown)}'`,
    );
    for (const attempt of [lost, kept, unknown]) await wishes.age(attempt, '31 seconds');
    const sweeper = new AttemptSweeper(db.database, 30_000, 1);
    sweeper.onApplicationBootstrap();
    const jobs = async (attempt: NewAttempt) => (await wishes.jobs(attempt)).map(({ job }) => job);
    await until('both are back', async () => (await jobs(lost)).length + (await jobs(unknown)).length === 2);
    await sweeper.onApplicationShutdown();
    expect([await jobs(lost), await jobs(kept), await jobs(unknown)]).toEqual([
      ['provider.ask'],
      ['provider.ask'],
      ['provider.inquire'],
    ]);
  });
});
