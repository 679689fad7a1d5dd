import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { CrashPoint } from '@payflow/contracts';
import { statement } from '@payflow/database';
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
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
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
async function supervised(db: TestDatabase, crash?: CrashPoint): Promise<void> {
  for (;;) {
    const [, signal] = (await once(startService(db, crash), 'exit')) as [number | null, NodeJS.Signals | null];
    if (signal === 'SIGKILL') return;
  }
}

/** The payments service itself, compiled, on the database of one case. */
function startService(db: TestDatabase, crash?: CrashPoint): ChildProcess {
  const child = spawn(process.execPath, [MAIN], {
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

/** How many authorizations the acquirer has made for the payment, by its own books. */
async function charges({ tenant, payment }: NewAttempt): Promise<number> {
  const answer = await fetch(`${sandbox.url}/v1/books/${tenant}/test/${payment}`, {
    headers: { authorization: `Bearer ${API_KEY}` },
  });
  const { data } = (await answer.json()) as { data: readonly { authorizations: number }[] };
  return data.reduce((sum, { authorizations }) => sum + authorizations, 0);
}

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

describe('killed around a call to a provider, and started again', () => {
  it.concurrent.each<[CrashPoint, number]>([
    ['provider-before-send', 0],
    ['provider-after-send', 1],
    ['provider-after-answer', 1],
    ['provider-after-commit', 1],
  ])(
    '%s: the provider has charged once, the attempt has ended, and one answer is told',
    async (point, chargedAtDeath) => {
      const { db, wishes } = await world();
      const attempt = await wishes.ask();
      await supervised(db, point);
      await until('what was sent has arrived', async () => (await charges(attempt)) === chargedAtDeath);
      const [atDeath] = await wishes.attempts(attempt);
      expect(atDeath?.status).toBe(point === 'provider-after-commit' ? 'approved' : 'sending');

      void supervised(db);
      await until(
        'nothing is left to do',
        async () => (await db.database.rows<{ jobs: number }>(SETTLED))[0]?.jobs === 0,
        DEADLINE_MS,
      );
      expect(await wishes.attempts(attempt)).toMatchObject([{ status: 'approved', needs_attention: false }]);
      expect(await charges(attempt)).toBe(1);
      expect(await wishes.answers(attempt)).toMatchObject([{ attempt: attempt.id, outcome: 'approved' }]);
    },
    DEADLINE_MS + 60_000,
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
