import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { newId, newUuid, type CrashPoint } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { programOf } from '@payflow/local-stack';
import { sandboxConfiguration } from '@payflow/sandbox/config';
import { startSandboxServer, type RunningSandbox } from '@payflow/sandbox/server';
import { readConfiguration } from '@payflow/service';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { Wishes } from '../testing/attempts.js';
import type { NewAttempt } from './attempt.js';

configureLogging({ level: 'silent' });

const API_KEY = 'payflow-development-cards-api-key';
/** Nobody listens there: what is told stays in the outbox, where it is looked at. */
const NO_BROKER = '127.0.0.1:9';
/** A killed worker's job is taken again after 15 s; four services that start at once on a busy machine take their time. */
const DEADLINE_MS = 120_000;

let sandbox: RunningSandbox;
const databases: TestDatabase[] = [];
const processes: ChildProcess[] = [];
beforeAll(async () => {
  sandbox = await startSandboxServer(
    readConfiguration(sandboxConfiguration, { NODE_ENV: 'test', PORT: '0', OTEL_TRACES_EXPORTER: 'none' }),
  );
});
afterAll(async () => {
  for (const each of processes) each.kill('SIGKILL');
  await Promise.all(databases.map((db) => db.drop()));
  await sandbox.stop();
});

/**
 * Keeps the service running as a supervisor does: on a machine so busy that its database does not answer in time, it cannot start
 * and says so. Resolves when it was killed.
 */
async function supervised(db: TestDatabase, crash?: `${CrashPoint}:${number}`): Promise<void> {
  for (;;) {
    const [, signal] = (await once(startService(db, crash), 'exit')) as [number | null, NodeJS.Signals | null];
    if (signal === 'SIGKILL') return;
  }
}

/** The payments service itself, compiled, on the database of one case. */
function startService(db: TestDatabase, crash?: string): ChildProcess {
  const child = spawn(process.execPath, [programOf('payments')], {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'test',
      PORT: '0',
      LOG_LEVEL: 'silent',
      DATABASE_URL: db.url,
      KAFKA_BROKERS: NO_BROKER,
      OTEL_TRACES_EXPORTER: 'none',
      CARDS_URL: sandbox.url,
      CARDS_API_KEY: API_KEY,
      CARDS_TIME_LIMIT: '2s',
      PROVIDER_INQUIRY_DELAYS: '500ms,1s,2s',
      ...(crash ? { CRASH_AT: crash } : {}),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  processes.push(child);
  return child;
}

/** The acquirer's answer; a body is sent to it under a key of its own. */
async function acquirer<T = { readonly id: string }>(path: string, body?: object): Promise<T> {
  const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' };
  const sent = {
    method: 'POST',
    headers: { ...headers, 'idempotency-key': newId('attempt') },
    body: JSON.stringify(body),
  };
  return (await fetch(`${sandbox.url}${path}`, body ? sent : { headers })).json() as Promise<T>;
}

/** How many authorizations the acquirer has made for the payment, by its own books. */
async function charges({ tenant, payment }: NewAttempt): Promise<number> {
  const { data } = await acquirer<{ data: readonly { authorizations: number }[] }>(
    `/v1/books/${tenant}/test/${payment}`,
  );
  return data.reduce((sum, { authorizations }) => sum + authorizations, 0);
}

/** How often it has done what was asked, under the attempt's key or any other. */
async function done({ id }: NewAttempt): Promise<number> {
  const { data } = await acquirer<{ data: readonly { alike: number }[] }>(`/test/requests?idempotency_key=${id}`);
  return data.reduce((sum, each) => sum + each.alike, 0);
}

/** What was there at the acquirer before anything is asked that goes on with it. */
async function begun(capture: boolean): Promise<string> {
  const amount = { value: '1000', currency: 'USD' };
  const { id } = await acquirer('/v1/authorizations', {
    merchant_reference: 'spec',
    amount,
    token: 'tok_visa',
    capture,
  });
  return id;
}

/** One call to a provider: what is asked, which passage of a crash point it is, and what the authorization that it goes on with has then. */
interface Call {
  readonly what: string;
  readonly asks: (wishes: Wishes) => Promise<NewAttempt>;
  readonly isInquiry?: boolean;
  readonly leaves?: object;
}

const goesOn = (action: NewAttempt['action'], on: 'sale' | 'authorization', leaves: object): Call => ({
  what: action,
  asks: async (wishes) =>
    wishes.ask({
      action,
      connector: 'cards',
      operation: newUuid(),
      amount: action === 'void' ? null : 1_000n,
      request: { reference: await begun(on === 'sale') },
    }),
  leaves,
});

/** Everything that a provider is ever asked for an attempt. */
const CALLS: readonly Call[] = [
  { what: 'sale', asks: (wishes) => wishes.ask() },
  { what: 'authorize', asks: (wishes) => wishes.ask({ action: 'authorize' }) },
  goesOn('increment', 'authorization', { authorized: { value: '2000' } }),
  goesOn('capture', 'authorization', { captured: { value: '1000' } }),
  goesOn('void', 'authorization', { voided: true, captured: { value: '0' } }),
  goesOn('refund', 'sale', { refunded: { value: '1000' } }),
  {
    what: 'submit_evidence',
    asks: async (wishes) => {
      const { id: reference } = await acquirer(`/test/authorizations/${await begun(true)}/disputes`, {});
      const request = { reference, evidence: { receipt: 'signed' } };
      return wishes.ask({ action: 'submit_evidence', connector: 'cards', operation: newUuid(), amount: null, request });
    },
  },
  { what: 'inquiry', asks: (wishes) => wishes.ask({}, { token: 'tok_500_after' }), isInquiry: true },
];

/**
 * What the provider is asked for makes no difference before it is sent, nor after all is noted: there, one call stands for all. In between
 * each is found out about in its own way.
 */
const callsAt = (point: CrashPoint): readonly Call[] =>
  point === 'provider-after-send' || point === 'provider-after-answer' ? CALLS : CALLS.slice(0, 1);

const SETTLED = statement(
  'spec.jobs-outstanding',
  'select count(*)::integer as jobs from graphile_worker._private_jobs where attempts < max_attempts',
);

async function world(): Promise<{ db: TestDatabase; wishes: Wishes }> {
  const db = await createTestDatabase('payments', migrations, 2);
  databases.push(db);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  return { db, wishes: new Wishes(db) };
}

/** What a process has left behind waits until the last has died: each is to die of its own call. */
const HOLD = `update graphile_worker._private_jobs set run_at = now() + interval '1 hour'`;
const RELEASE = 'update graphile_worker._private_jobs set run_at = now()';

describe('killed around each call to a provider, and started again', () => {
  it.concurrent.each<[CrashPoint, number]>([
    ['provider-before-send', 0],
    ['provider-after-send', 1],
    ['provider-after-answer', 1],
    ['provider-after-commit', 1],
  ])(
    '%s: the provider has done it once, the attempt has ended, and one answer is told',
    async (point, doneAtDeath) => {
      const { db, wishes } = await world();
      const asked: { call: Call; attempt: NewAttempt }[] = [];
      for (const call of callsAt(point)) {
        const attempt = await call.asks(wishes);
        // An inquiry is the second call about what was asked first.
        await supervised(db, `${point}:${call.isInquiry ? 2 : 1}`);
        await until(
          `${call.what} has arrived`,
          async () => (await done(attempt)) === (call.isInquiry ? 1 : doneAtDeath),
        );
        const [atDeath] = await wishes.attempts(attempt);
        const open = call.isInquiry ? 'unknown' : 'sending';
        expect([call.what, atDeath?.status]).toEqual([
          call.what,
          point === 'provider-after-commit' ? 'approved' : open,
        ]);
        await db.tamper(HOLD);
        asked.push({ call, attempt });
      }

      await db.tamper(RELEASE);
      void supervised(db);
      await until(
        'nothing is left to do',
        async () => (await db.database.rows<{ jobs: number }>(SETTLED))[0]?.jobs === 0,
        DEADLINE_MS,
      );
      for (const { call, attempt } of asked) {
        const shown = [call.what, await wishes.attempts(attempt), await done(attempt), await wishes.answers(attempt)];
        expect(shown).toMatchObject([
          call.what,
          [{ status: 'approved', needs_attention: false }],
          1,
          [{ attempt: attempt.id, outcome: 'approved' }],
        ]);
        const { reference } = attempt.request;
        if (call.leaves) expect(await acquirer(`/v1/authorizations/${reference}`)).toMatchObject(call.leaves);
        if (reference === undefined) expect(await charges(attempt)).toBe(1);
      }
    },
    4 * DEADLINE_MS,
  );
});

describe('a provider that misbehaves', () => {
  it(
    'is asked until the end is known: each payment is charged once or not at all, and answered once',
    async () => {
      const { db, wishes } = await world();
      const tokens = ['tok_500_after', 'tok_500_before', 'tok_cut_after', 'tok_silent', 'tok_silent_before'];
      const asked = await Promise.all(tokens.map((token) => wishes.ask({}, { token })));
      const declined = await wishes.ask({}, { token: 'tok_decline_card_expired' });
      void supervised(db);
      await until(
        'all have an answer',
        async () =>
          (await Promise.all([...asked, declined].map((each) => wishes.answers(each)))).every((all) => all.length > 0),
        DEADLINE_MS,
      );
      for (const attempt of asked) {
        expect(await wishes.answers(attempt)).toMatchObject([{ outcome: 'approved' }]);
        expect(await charges(attempt)).toBe(1);
      }
      expect(await wishes.answers(declined)).toMatchObject([{ outcome: 'declined', code: 'card_expired' }]);
    },
    DEADLINE_MS + 60_000,
  );
});
