import { fromUuid, newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import type { Messaging } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { statementsOf, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Wishes } from '../testing/attempts.js';
import { attemptsStage } from '../testing/attempts-stage.js';
import {
  act,
  deskWith,
  full,
  gone,
  neverHeard,
  no,
  noHere,
  silence,
  unsent,
  yes,
} from '../testing/scripted-provider.js';
import type { NewAttempt } from './attempt.js';

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
const uuid = ({ id }: NewAttempt) => uuidOf('attempt', id);
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** The attempt that was made for the next connector. */
async function secondOf(attempt: NewAttempt): Promise<NewAttempt> {
  const [row] = await wishes.database.rows<{ id: string }>(SECOND, [attempt.operation]);
  return { ...attempt, id: fromUuid('attempt', row?.id as string) };
}
const SECOND = statement('spec.second-attempt', 'select id from attempts where operation_id = $1 and number = 2');

describe('asking a provider', () => {
  it('sends it once, with the attempt as the key, and tells the machine in the transaction of the attempt', async () => {
    const { first, ask } = house();
    const attempt = await wishes.ask({ correlation: newId('event'), traceparent: TRACE });
    expect(await wishes.jobs(attempt)).toMatchObject([{ job: 'provider.ask', traceparent: TRACE }]);
    await ask(attempt);
    await ask(attempt);
    expect(first.asked).toEqual([
      {
        action: 'sale',
        idempotencyKey: attempt.id,
        merchantReference: `${attempt.tenant}/test/${attempt.payment}`,
        amount: '1000',
        asset: 'USD',
        card: { type: 'card', token: 'tok_visa', brand: 'visa' },
        reference: null,
      },
    ]);
    expect(await wishes.attempts(attempt)).toMatchObject([
      { status: 'approved', connector: 'one', reference: 'auth_1', version: 2, isExplained: true },
    ]);
    expect(await wishes.evidence(attempt)).toEqual([{ source: 'answer', outcome: 'approved', believed: true }]);
    expect(await wishes.answers(attempt)).toEqual([
      {
        id: attempt.payment,
        attempt: attempt.id,
        outcome: 'approved',
        code: null,
        connector: 'one',
        provider_reference: 'auth_1',
        url: null,
      },
    ]);
  });

  it('costs two transactions of few statements', async () => {
    const { ask } = house();
    // Routes are remembered from the first on.
    await ask(await wishes.ask());
    const attempt = await wishes.ask();
    const names = await statementsOf(() => ask(attempt));
    // Routes are remembered for a while; whoever comes first has them read.
    expect(names.filter((name) => name !== 'payments.routes')).toEqual([
      'attempts.lock',
      'attempts.move',
      'attempts.lock',
      'attempts.keep-evidence',
      'attempts.move',
      'outbox.insert',
    ]);
  });

  it('tells a decline with its code, and what the customer has to do with its address', async () => {
    const { first, ask } = house();
    first.answers = [no, act];
    const [declined, waiting] = [await wishes.ask(), await wishes.ask()];
    await ask(declined);
    await ask(waiting);
    expect(await wishes.answers(declined)).toMatchObject([{ outcome: 'declined', code: 'card_expired', url: null }]);
    expect(await wishes.answers(waiting)).toMatchObject([{ outcome: 'requires_action', code: null, url: act.url }]);
  });

  it.each([
    ['it was not sent', unsent],
    ['it declined for itself alone', noHere],
  ])('goes on to the next connector where %s: a new attempt, one answer', async (_what, answer) => {
    const { first, second, ask } = house('one', 'two');
    first.answers = [answer];
    const attempt = await wishes.ask();
    await ask(attempt);
    expect(await wishes.answers(attempt)).toEqual([]);
    const both = await wishes.attempts(attempt);
    expect(both.map(({ number, status }) => [number, status])).toEqual([
      [1, answer.outcome],
      [2, 'created'],
    ]);
    const next = await secondOf(attempt);
    await ask(next);
    expect(second.asked[0]?.idempotencyKey).toBe(next.id);
    expect(await wishes.answers(attempt)).toMatchObject([
      { attempt: attempt.id, outcome: 'approved', connector: 'two' },
    ]);
  });

  describe('of a payment that was called off while its customer had to act', () => {
    const callOff = ({ operation }: NewAttempt) =>
      db.tamper(
        `update payment_operations set status = 'failed', failure_code = 'payment_canceled' where id = '${operation}'`,
      );

    it('goes on to nobody, though another connector might say yes', async () => {
      const { first, second, ask, inquire } = house('one', 'two');
      first.answers = [act];
      first.inquiryAnswers = [noHere];
      const attempt = await wishes.ask();
      await ask(attempt);
      await callOff(attempt);
      await inquire(attempt);
      expect(await wishes.attempts(attempt)).toMatchObject([{ number: 1, status: 'declined' }]);
      expect(second.asked).toEqual([]);
    });

    it.each([
      ['sale', true],
      ['authorize', false],
    ] as const)('is for a human where its money was taken all the same (%s)', async (action, isFlagged) => {
      const { first, ask, inquire } = house();
      first.answers = [act];
      first.inquiryAnswers = [yes];
      const attempt = await wishes.ask({ action });
      await ask(attempt);
      await callOff(attempt);
      await inquire(attempt);
      expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'approved', needs_attention: isFlagged }]);
    });

    it.each([
      ['sale', true],
      ['authorize', false],
    ] as const)('is for a human where that was noted before it and heard after it (%s)', async (action, isFlagged) => {
      const { first, ask, inquire, resolve } = house();
      const attempt = await wishes.ask({ action });
      await ask(attempt);
      await callOff(attempt);
      await inquire(attempt);
      expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'approved', needs_attention: isFlagged }]);
      expect(first.inquiries).toBe(0);
      await resolve(attempt, { reason: 'it was given back there' });
      expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'approved', needs_attention: false }]);
    });

    it('sends nothing of what was on its way to another, which is asked whether it had it before', async () => {
      const { first, second, ask, inquire } = house('one', 'two');
      first.answers = [noHere];
      const attempt = await wishes.ask();
      await ask(attempt);
      await callOff(attempt);
      const next = await secondOf(attempt);
      await ask(next);
      expect((await wishes.attempts(attempt)).map(({ status }) => status)).toEqual(['declined', 'unknown']);
      second.inquiryAnswers = [neverHeard];
      await inquire(next);
      expect(await wishes.attempts(attempt)).toMatchObject([
        { status: 'declined' },
        { status: 'not_sent', code: 'payment_canceled' },
      ]);
      expect(second.asked).toEqual([]);
    });

    it.each([
      ['declined it', noHere],
      ['never heard of it', neverHeard],
    ])('is asked about at the others where it was not sent in this life, and the first %s', async (_, word) => {
      const { first, second, ask, inquire } = house('one', 'two');
      const attempt = await wishes.ask();
      await callOff(attempt);
      await ask(attempt);
      first.inquiryAnswers = [word];
      await inquire(attempt);
      const next = await secondOf(attempt);
      await ask(next);
      second.inquiryAnswers = [yes];
      await inquire(next);
      expect([first.asked, second.asked]).toEqual([[], []]);
      expect((await wishes.attempts(attempt))[1]).toMatchObject({
        number: 2,
        status: 'approved',
        needs_attention: true,
      });
    });

    it('sends no more of what its provider has never heard of', async () => {
      const { first, ask, inquire } = house();
      first.answers = [silence];
      first.inquiryAnswers = [neverHeard];
      const attempt = await wishes.ask();
      await ask(attempt);
      await callOff(attempt);
      await inquire(attempt);
      expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'not_sent', code: 'payment_canceled' }]);
    });
  });

  it('waits for its turn where there is no room, and is told of when it has waited too long', async () => {
    const { first, ask } = house();
    first.answers = [full, full, full];
    const attempt = await wishes.ask();
    await ask(attempt);
    await ask(attempt);
    expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'created', connector: 'one' }]);
    expect((await wishes.jobs(attempt)).map(({ job }) => job)).toEqual(['provider.ask']);
    expect(await outcomes(attempt)).toEqual([]);
    await db.tamper(
      `update attempts set created_at = created_at - interval '61 seconds' where id = '${uuid(attempt)}'`,
    );
    await ask(attempt);
    expect(await wishes.answers(attempt)).toMatchObject([{ outcome: 'not_sent', code: 'queue_full' }]);
  });

  it('waits likewise where its provider takes no more just now and nobody else can be asked, for as long as it is asked to', async () => {
    const limited = { ...unsent, code: 'provider_rate_limited', evidence: { status: 429, retry_after: '7' } };
    const { first, ask } = house();
    first.answers = [limited];
    const attempt = await wishes.ask({ action: 'refund', connector: 'one' });
    await ask(attempt);
    expect([await wishes.attempts(attempt), await outcomes(attempt)]).toMatchObject([[{ status: 'created' }], []]);
    const due = (await wishes.jobs(attempt)).find(({ job }) => job === 'provider.ask')?.due_s ?? 0;
    expect([due > 5, due < 8]).toEqual([true, true]);
    await ask(attempt);
    expect(await outcomes(attempt)).toEqual(['approved']);
    const { first: busy, second, ask: send } = house('one', 'two');
    busy.answers = [limited];
    const sale = await wishes.ask();
    await send(sale);
    await send(await secondOf(sale));
    expect([await outcomes(sale), second.asked.length]).toEqual([['approved'], 1]);
  });

  it('is put back where the process ends before it is sent, though others could be asked', async () => {
    const { first, second, ask } = house('one', 'two');
    first.answers = [gone];
    const attempt = await wishes.ask();
    await ask(attempt);
    expect(await wishes.attempts(attempt)).toMatchObject([{ number: 1, status: 'created' }]);
    await ask(attempt);
    expect([await outcomes(attempt), second.asked]).toEqual([['approved'], []]);
  });

  it.each([
    ['a place', gone, false],
    ['a connection', { ...unsent, code: 'no_connection_in_time' }, true],
  ])('is put back likewise where it has waited long, and was waiting for %s', async (_what, answer, isAborted) => {
    const { first, ask } = house();
    first.answers = [answer];
    const attempt = await wishes.ask({ action: 'refund', connector: 'one' });
    await db.tamper(
      `update attempts set created_at = created_at - interval '61 seconds' where id = '${uuid(attempt)}'`,
    );
    await ask(attempt, isAborted ? AbortSignal.abort() : undefined);
    expect([await wishes.attempts(attempt), await outcomes(attempt)]).toMatchObject([[{ status: 'created' }], []]);
    await ask(attempt);
    expect(await outcomes(attempt)).toEqual(['approved']);
  });

  it('says in the end that one declined, where the last could not be asked', async () => {
    const { first, second, ask } = house('one', 'two');
    first.answers = [noHere];
    second.answers = [unsent];
    const attempt = await wishes.ask();
    await ask(attempt);
    await ask(await secondOf(attempt));
    expect(await wishes.answers(attempt)).toMatchObject([
      { attempt: attempt.id, outcome: 'declined', code: 'issuer_unavailable' },
    ]);
  });

  it('asks only the connector of the payment for what follows on it', async () => {
    const { first, second, ask } = house('one', 'two');
    first.answers = [unsent];
    const attempt = await wishes.ask({
      action: 'capture',
      connector: 'one',
      request: { reference: 'auth_9', final: true },
    });
    await ask(attempt);
    expect(first.asked[0]).toMatchObject({ action: 'capture', reference: 'auth_9', final: true });
    expect(second.asked).toEqual([]);
    expect(await outcomes(attempt)).toEqual(['not_sent']);
  });

  it('says so where there is nobody to be asked', async () => {
    const { ask } = house('one');
    const attempt = await wishes.ask({ connector: 'gone', action: 'capture' });
    await ask(attempt);
    expect(await wishes.answers(attempt)).toMatchObject([{ outcome: 'not_sent', code: 'provider_not_reached' }]);
  });

  it('tells again what was told, of whoever was asked last; and nothing of what has not ended', async () => {
    const { first, second, ask, retell } = house('one', 'two');
    first.answers = [noHere];
    const attempt = await wishes.ask();
    await retell(attempt);
    expect(await wishes.answers(attempt)).toEqual([]);
    await ask(attempt);
    await ask(await secondOf(attempt));
    await retell(attempt);
    const [told, again, ...more] = await wishes.answers(attempt);
    expect([first.asked.length, second.asked.length, more]).toEqual([1, 1, []]);
    expect(told).toMatchObject({ attempt: attempt.id, outcome: 'approved', connector: 'two' });
    expect(again).toEqual(told);
  });
});
