import type { Database } from '@payflow/database';
import type { RunningService } from '@payflow/service';
import { renderMetrics } from '@payflow/telemetry';
import {
  TcpProxy,
  createTestDatabase,
  createTestTopics,
  openSpecPool,
  testBroker,
  testServers,
  uniqueSuffix,
  until,
  type TestDatabase,
} from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { entities, migrations } from '../database/index.js';
import { Client, startGateway } from '../testing/gateway-under-test.js';

const LIST = '/api/v1/payments';
/** What is kept is answered while the database is away. */
const ANEW = { 'cache-control': 'no-cache' };
const broker = testBroker(uniqueSuffix());
let test: TestDatabase;
let db: Database;
let postgres: TcpProxy;
let gateway: RunningService & { base: string };
let client: Client;

beforeAll(async () => {
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  db = await openSpecPool(test.url, { poolSize: 2, entities });
  postgres = new TcpProxy(new URL(test.url));
  await postgres.open();
  gateway = await startGateway({ databaseUrl: postgres.url, broker, redisUrl: testServers().redis });
  client = await Client.of(db, gateway.base);
  await until('the database is asked', async () => (await client.get(LIST, ANEW)).status === 200);
});
afterAll(async () => {
  await gateway?.stop();
  await postgres?.close();
  await db?.close();
  await test?.drop();
});

async function breakers(): Promise<Record<string, string>> {
  const answer = await fetch(`${gateway.base}/readyz`);
  return ((await answer.json()) as { breakers: Record<string, string> }).breakers;
}

it('shows one breaker per dependency', async () => {
  await until('all are closed', async () => new Set(Object.values(await breakers())).size === 1);
  expect(await breakers()).toEqual({
    database: 'closed',
    kafka: 'closed',
    redis: 'closed',
    'owner.ledger': 'closed',
    'owner.monitoring': 'closed',
    'owner.payments': 'closed',
  });
  const { body } = await renderMetrics();
  for (const name of ['database', 'kafka', 'redis', 'owner.ledger'])
    expect(body).toContain(`payflow_breaker_state{policy="${name}"} 0`);
});

it('asks a database that is away no more, says when to come back, and finds it by itself', async () => {
  await postgres.close();
  await until('the breaker is open', async () => {
    const { status, headers } = await client.get(LIST, ANEW);
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('1');
    return (await renderMetrics()).body.includes('payflow_breaker_state{policy="database"} 2');
  });
  await until('that is told', async () => (await breakers())['database'] !== 'closed');
  await postgres.open();
  await until('it is asked again', async () => (await client.get(LIST, ANEW)).status === 200);
  await until('the breaker is closed', async () => (await breakers())['database'] === 'closed');
});
