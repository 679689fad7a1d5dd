import { openDatabase, statement, type Database } from '@payflow/database';
import type { RunningService } from '@payflow/service';
import { renderMetrics } from '@payflow/telemetry';
import {
  createTestDatabase,
  createTestTopics,
  testBroker,
  testServers,
  uniqueSuffix,
  until,
  type TestDatabase,
} from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { entities, migrations } from '../database/index.js';
import { Client, startGateway } from '../testing/gateway-under-test.js';
import { told } from '../testing/stage.js';

/** Lists that read at one time; see `http/list-reads.ts`. */
const TURNS = 4;
/** Exports have a quarter of them: more than there are turns. */
const WORKERS = 4 * (TURNS + 2);
const LOCK = statement('spec.lock-holds', 'lock table hold_views in access exclusive mode');

const broker = testBroker(uniqueSuffix());
let test: TestDatabase;
let db: Database;
let gateway: RunningService & { base: string };
let client: Client;

beforeAll(async () => {
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  db = await openDatabase({ url: test.url, poolSize: 5, applicationName: 'spec', entities });
  const env = { MAX_WORKERS: `${WORKERS}`, MAX_QUEUE_SIZE: '0' };
  gateway = await startGateway({ databaseUrl: test.url, broker, redisUrl: testServers().redis, env });
  client = await Client.of(db, gateway.base);
  // The key is known from here on.
  await client.get('/api/v1/assets');
});
afterAll(async () => {
  await gateway?.stop();
  await db?.close();
  await test?.drop();
});

async function metric(name: string): Promise<number> {
  const { body } = await renderMetrics();
  const line = body.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}
const busy = () => metric('payflow_admission_workers{state="busy"}');
// A loop that is late would send reads away for that.
beforeEach(() =>
  until(
    'nothing is at work, and the event loop is on time',
    async () => (await busy()) === 0 && (await metric('payflow_event_loop_delay_seconds')) < 0.02,
  ),
);

/** On a machine that is busy one of them may have been refused a connection by now. */
const reading = async () => [TURNS - 1, TURNS].includes(await busy());

let limit = 0;
/** So many at once, each another: none waits for another's answer. */
const lists = (count: number, accept: string) =>
  Array.from({ length: count }, () =>
    gateway.app.inject({
      url: `/api/v1/holds?limit=${++limit}`,
      headers: { authorization: `Bearer ${client.key}`, accept },
    }),
  );

it.each([
  ['lists', 'application/json'],
  ['pages as CSV', 'text/csv'],
])('%s that wait for their turn hold no worker', async (_, accept) => {
  let asked: ReturnType<typeof lists> = [];
  await db.transaction(async (tx) => {
    await tx.rows(LOCK);
    // As many as there are workers, and then more: all workers would be at lists.
    asked = lists(WORKERS, accept);
    await until('those that read hold a worker each', reading);
    asked.push(...lists(2, accept));
    await until('and no others', reading);
    // There is no queue: what finds no worker is sent away.
    expect(told(await client.get('/api/v1/assets/USD'))).toBe('200 USD');
    expect(await busy()).toBeLessThanOrEqual(TURNS);
  });
  // Those whose turn, or whose connection, did not come within 0.8 s are told to come back.
  for (const { statusCode } of await Promise.all(asked)) expect([200, 503]).toContain(statusCode);
  await until('no worker is held', async () => (await busy()) === 0);
});
