import type { Capabilities, Connector, InquiryAnswer, ProviderAnswer, ProviderRequest } from '@payflow/connectors';
import { fromUuid, newId, newUuid, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, statementsOf, testBroker, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invariants, migrations } from '../database/index.js';
import { Router } from '../routing/router.js';
import { Wishes } from '../testing/attempts.js';
import { askProviders, inquireNow } from './ask-providers.js';
import type { NewAttempt } from './attempt.js';
import { attemptsInNeed } from './attempt.repository.js';
import { AttemptSweeper } from './attempt-sweeper.js';
import type { Choose } from './choice.js';
import { ProviderDesk } from './provider-desk.js';
import type { ResolveJob } from './provider-jobs.js';

configureLogging({ level: 'silent' });

const evidence = { said: 'so' };
const yes: ProviderAnswer = { outcome: 'approved', reference: 'auth_1', evidence };
const no: ProviderAnswer = {
  outcome: 'declined',
  code: 'card_expired',
  reference: 'auth_1',
  isOthersToTry: false,
  evidence,
};
const noHere: ProviderAnswer = { ...no, code: 'issuer_unavailable', isOthersToTry: true };
const unsent: ProviderAnswer = { outcome: 'not_sent', code: 'connection_refused', evidence };
const silence: ProviderAnswer = { outcome: 'unknown', code: 'timed_out', evidence };
const act: ProviderAnswer = {
  outcome: 'requires_action',
  url: 'https://bank.example/act',
  reference: 'auth_1',
  evidence,
};
const neverHeard: InquiryAnswer = { outcome: 'not_found', evidence };

const capabilities: Capabilities = {
  methods: ['card'],
  assets: null,
  countries: null,
  brands: null,
  actions: ['authorize', 'sale', 'capture', 'refund', 'void', 'increment'],
  multipleCaptures: true,
  overcapture_percent: 0,
  authorizationValid_ms: 1_000,
  amount: { min: null, max: null },
  isOutside: true,
};

/** A provider that says what it is told to say. */
class Scripted implements Connector {
  readonly capabilities = capabilities;
  readonly webhooks = null;
  readonly asked: ProviderRequest[] = [];
  inquiries = 0;
  answers: (ProviderAnswer | Error)[] = [];
  inquiryAnswers: InquiryAnswer[] = [];
  beforeAnswer: () => Promise<void> = async () => undefined;

  constructor(readonly name: string) {}

  async ask(request: ProviderRequest): Promise<ProviderAnswer> {
    this.asked.push(request);
    await this.beforeAnswer();
    const answer = this.answers.shift() ?? yes;
    if (answer instanceof Error) throw answer;
    return answer;
  }

  async inquire(): Promise<InquiryAnswer> {
    this.inquiries++;
    return this.inquiryAnswers.shift() ?? silence;
  }

  async close(): Promise<void> {}
}

let db: TestDatabase;
let messaging: Messaging;
let wishes: Wishes;
beforeAll(async () => {
  db = await createTestDatabase('payments', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  // Never started: what is told stays in the outbox.
  messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  wishes = new Wishes(db);
});
afterAll(() => db.drop());

const schedule = { delays_ms: [5_000, 30_000, 300_000, 3_600_000, 21_600_000], until_ms: 604_800_000 };

function house(...names: string[]) {
  const connectors = (names.length > 0 ? names : ['one']).map((name) => new Scripted(name));
  const router = new Router(db.database, connectors);
  const choose: Choose = (attempt) => router.choose(attempt);
  const desk = new ProviderDesk({ db: db.database, outbox: messaging.outbox, connectors, choose, schedule });
  const runOf = <D extends object>(data: D) => ({
    id: '1',
    data,
    attempt: 1,
    signal: new AbortController().signal,
    progress: () => undefined,
  });
  const dataOf = ({ tenant, livemode, id }: NewAttempt) => ({ tenant, livemode, attempt: id });
  return {
    first: connectors[0] as Scripted,
    second: connectors[1] as Scripted,
    ask: (attempt: NewAttempt) => desk.ask(runOf(dataOf(attempt))),
    inquire: (attempt: NewAttempt) => desk.inquire(runOf(dataOf(attempt))),
    resolve: (attempt: NewAttempt, word: Partial<ResolveJob>) =>
      desk.resolve(
        runOf({
          ...dataOf(attempt),
          outcome: 'approved',
          code: null,
          reference: null,
          actor: 'ada',
          reason: 'called them',
          ...word,
        } as ResolveJob),
      ),
  };
}

const outcomes = async (attempt: NewAttempt) => (await wishes.answers(attempt)).map(({ outcome }) => outcome);
const statuses = async (attempt: NewAttempt) => (await wishes.attempts(attempt)).map(({ status }) => status);
const uuid = ({ payment }: NewAttempt) => uuidOf('payment', payment);
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('asking a provider', () => {
  it('writes down and enqueues any number in two statements, and nothing when the transaction is undone', async () => {
    const few = [await wishes.wish()];
    const many = await Promise.all(Array.from({ length: 40 }, () => wishes.wish()));
    const put = (attempts: NewAttempt[]) =>
      statementsOf(() => wishes.database.transaction((tx) => askProviders(tx, attempts)));
    expect(await put(few)).toEqual(['attempts.insert', 'jobs.enqueue']);
    expect(await put(many)).toEqual(['attempts.insert', 'jobs.enqueue']);
    const undone = await wishes.wish();
    const rolledBack = wishes.database.transaction(async (tx) => {
      await askProviders(tx, [undone]);
      throw new Error('no');
    });
    await expect(rolledBack).rejects.toThrow('no');
    expect([await wishes.attempts(undone), await wishes.jobs(undone)]).toEqual([[], []]);
  });

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
    expect(names).toEqual([
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

  it('asks nobody when no money may be taken any more, and gives back all the same', async () => {
    const { first, ask } = house();
    const late = await wishes.ask({}, { left_ms: -1 });
    const refund = await wishes.ask({ action: 'refund', connector: 'one' }, { left_ms: -1 });
    await ask(late);
    await ask(refund);
    expect(first.asked.map(({ action }) => action)).toEqual(['refund']);
    expect(await wishes.answers(late)).toMatchObject([
      { outcome: 'not_sent', code: 'payment_expired', connector: null },
    ]);
    expect(await outcomes(refund)).toEqual(['approved']);
  });

  it.each(['queue_full', 'queued_too_long', 'rate_limited'])(
    'asks again a moment later, under the same key, where there was no place or turn: %s',
    async (code) => {
      const { first, ask } = house();
      first.answers = [{ outcome: 'not_sent', code, evidence }];
      const attempt = await wishes.ask();
      await ask(attempt);
      expect([await statuses(attempt), await outcomes(attempt)]).toEqual([['created'], []]);
      const due = (await wishes.jobs(attempt)).find(({ job }) => job === 'provider.ask')?.due_s ?? 0;
      expect(due).toBeGreaterThan(0);
      await ask(attempt);
      expect(first.asked.map(({ idempotencyKey }) => idempotencyKey)).toEqual([attempt.id, attempt.id]);
      expect(await outcomes(attempt)).toEqual(['approved']);
    },
  );

  it('does not wait for a place where another has one, nor when there is no time for it', async () => {
    const busy: ProviderAnswer = { outcome: 'not_sent', code: 'queue_full', evidence };
    const { first, ask } = house('one', 'two');
    first.answers = [busy, busy];
    const attempt = await wishes.ask();
    await ask(attempt);
    expect(await statuses(attempt)).toEqual(['not_sent', 'created']);
    const late = await wishes.ask({ action: 'capture', connector: 'one' }, { left_ms: 900 });
    await ask(late);
    expect(await wishes.answers(late)).toMatchObject([{ outcome: 'not_sent', code: 'queue_full' }]);
  });

  it('says so where there is nobody to be asked', async () => {
    const { ask } = house('one');
    const attempt = await wishes.ask({ connector: 'gone', action: 'capture' });
    await ask(attempt);
    expect(await wishes.answers(attempt)).toMatchObject([{ outcome: 'not_sent', code: 'provider_not_reached' }]);
  });
});

/** The attempt that was made for the next connector. */
async function secondOf(attempt: NewAttempt): Promise<NewAttempt> {
  const [row] = await wishes.database.rows<{ id: string }>(SECOND, [attempt.operation]);
  return { ...attempt, id: fromUuid('attempt', row?.id as string) };
}
const SECOND = statement('spec.second-attempt', 'select id from attempts where operation_id = $1 and number = 2');

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

  it('of what the provider never heard of is sent again under the same key', async () => {
    const { first, ask, inquire } = house();
    first.answers = [silence, yes];
    first.inquiryAnswers = [neverHeard];
    const attempt = await wishes.ask();
    await ask(attempt);
    await inquire(attempt);
    expect(await statuses(attempt)).toEqual(['created']);
    await ask(attempt);
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
    const { first, ask, inquire } = house();
    first.answers = [silence];
    first.inquiryAnswers = [neverHeard];
    const attempt = await wishes.ask();
    await ask(attempt);
    await db.tamper(`update payments set expires_at = now() where id = '${uuid(attempt)}'`);
    await inquire(attempt);
    expect(await outcomes(attempt)).toEqual(['not_sent']);
  });

  it('is asked for at once when somebody wants to know, of all that is open of the payment and nothing else', async () => {
    const { first, ask } = house();
    first.answers = [silence, act, yes];
    const unknown = await wishes.ask();
    const waiting = await wishes.ask({ payment: unknown.payment, operation: newUuid() });
    const done = await wishes.ask({ payment: unknown.payment, operation: newUuid() });
    for (const attempt of [unknown, waiting, done]) await ask(attempt);
    const names = await statementsOf(() =>
      wishes.database.transaction((tx) =>
        inquireNow(tx, [{ tenant: unknown.tenant, livemode: false, id: unknown.payment }]),
      ),
    );
    expect(names).toEqual(['attempts.open-of-payments', 'jobs.enqueue']);
    const due = async (attempt: NewAttempt) =>
      (await wishes.jobs(attempt)).filter(({ job, due_s }) => job === 'provider.inquire' && due_s <= 0).length;
    expect([await due(unknown), await due(waiting), await due(done)]).toEqual([1, 1, 0]);
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
