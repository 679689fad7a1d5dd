import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { newId, uuidOf, type CrashPoint } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { sandboxConfiguration } from '@payflow/sandbox/config';
import { startSandboxServer, type RunningSandbox } from '@payflow/sandbox/server';
import { readConfiguration } from '@payflow/service';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, testMessage, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { DisputeStage, transfersOf } from '../testing/dispute-stage.js';

configureLogging({ level: 'silent' });

const API_KEY = 'payflow-development-cards-api-key';
/** Two processes that start on a busy machine. */
const DEADLINE_MS = 240_000;
const JANITOR = new URL('../../dist/providers/dispute-janitor.js', import.meta.url).href;
/** One round in a process of its own; what it tells stays in the outbox, for nobody listens there. */
const CHILD = `
  import { connectorFields, connectorsOf } from '@payflow/connectors';
  import { openDatabase } from '@payflow/database';
  import { Messaging } from '@payflow/messaging';
  import { defineConfiguration, readConfiguration } from '@payflow/service';
  import { DisputeJanitor } from '${JANITOR}';
  const database = await openDatabase({ url: process.env.DATABASE_URL, poolSize: 2, applicationName: 'spec' });
  const broker = { brokers: ['127.0.0.1:9'], clientId: 'spec', prefix: 'unused.' };
  const { outbox } = new Messaging({ broker, database, partitions: 'single' });
  const connectors = connectorsOf(readConfiguration(defineConfiguration('spec', connectorFields), process.env));
  await new DisputeJanitor(database, outbox, connectors).look();
  process.exit(0);
`;
const NOTICES = statement(
  'spec.notices-of-janitor',
  `select m ->> 'value' as value, m -> 'message' ->> 'actor' as actor from outbox, json_array_elements(messages::json) as m
   where m -> 'message' ->> 'type' = 'payflow.payment.notice.v1' and m -> 'message' ->> 'subject' = $1 order by id`,
);

let sandbox: RunningSandbox;
let db: TestDatabase;
let stage: DisputeStage;
beforeAll(async () => {
  sandbox = await startSandboxServer(
    readConfiguration(sandboxConfiguration, { NODE_ENV: 'test', PORT: '0', OTEL_TRACES_EXPORTER: 'none' }),
  );
  db = await createTestDatabase('payments', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  stage = new DisputeStage(db.database);
});
afterAll(async () => {
  await db.drop();
  await sandbox.stop();
});

async function atAcquirer(path: string, body: object): Promise<string> {
  const headers = { authorization: `Bearer ${API_KEY}`, 'idempotency-key': newId('attempt') };
  const answer = await fetch(`${sandbox.url}${path}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return ((await answer.json()) as { id: string }).id;
}

/** A dispute that is won at its acquirer, of which no webhook came. */
async function wonUnheard() {
  const payment = await stage.payment();
  const sale = await atAcquirer('/v1/authorizations', {
    merchant_reference: `${payment.tenant}/test/${payment.data.id}`,
    amount: { value: '100', currency: 'USD' },
    token: 'tok_visa',
    capture: true,
  });
  const dispute = await atAcquirer(`/test/authorizations/${sale}/disputes`, { amount: '40' });
  const opened = stage.notice(payment, 'dispute_opened', { provider_reference: dispute });
  const [out] = transfersOf(await stage.take([opened]));
  await stage.hear([stage.verdict(out as NonNullable<typeof out>)]);
  await atAcquirer(`/test/disputes/${dispute}/decision`, { outcome: 'won' });
  return payment;
}

type Payment = Awaited<ReturnType<typeof wonUnheard>>;

async function round(payment: Payment, crash?: CrashPoint): Promise<NodeJS.Signals | number | null> {
  await db.tamper(
    `update disputes set asked_at = now() - interval '7 hours' where payment_id = '${uuidOf('payment', payment.data.id)}'`,
  );
  const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD], {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'test',
      DATABASE_URL: db.url,
      OTEL_TRACES_EXPORTER: 'none',
      CARDS_URL: sandbox.url,
      CARDS_API_KEY: API_KEY,
      ...(crash ? { CRASH_AT: crash } : {}),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  return signal ?? code;
}

const notices = (payment: Payment) => db.database.rows<{ value: string; actor: string }>(NOTICES, [payment.data.id]);

it.each<[CrashPoint, number]>([
  ['provider-before-send', 0],
  ['provider-after-send', 0],
  ['provider-after-answer', 0],
  ['provider-after-commit', 1],
])(
  'killed around its question, %s, the next round finds how the dispute ended, and its money comes back once',
  async (point, told) => {
    const payment = await wonUnheard();
    expect(await round(payment, point)).toBe('SIGKILL');
    expect(await notices(payment)).toHaveLength(told);
    expect(await round(payment)).toBe(0);
    const heard = (await notices(payment)).map(({ value, actor }) =>
      testMessage('payflow.payment.notice.v1', JSON.parse(value) as never, { tenant: payment.tenant, actor }),
    );
    const messages = await stage.take(heard);
    expect(messages.map(({ type }) => type)).toEqual(['payflow.dispute.won.v1', 'payflow.transfer.post.v1']);
    expect(await stage.disputes(payment)).toMatchObject([{ status: 'won', leg: 'returning' }]);
  },
  DEADLINE_MS,
);
