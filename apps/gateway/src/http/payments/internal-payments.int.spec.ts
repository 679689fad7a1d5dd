import { newId, uuidOf } from '@payflow/contracts';
import { internalHeaders, type AcknowledgedPage, type PaymentState } from '@payflow/invariants';
import type { RunningService } from '@payflow/service';
import {
  createTestDatabase,
  createTestTopics,
  testBroker,
  testServers,
  uniqueSuffix,
  type TestDatabase,
} from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../../database/index.js';
import { startGateway } from '../../testing/gateway-under-test.js';

const SECRET = 's'.repeat(32);
const tenant = uuidOf('tenant', newId('tenant'));
const BEGINNING = '1577836800000000/00000000-0000-0000-0000-000000000000';
let test: TestDatabase;
let gateway: RunningService & { base: string };

beforeAll(async () => {
  const broker = testBroker(uniqueSuffix());
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  gateway = await startGateway({
    databaseUrl: test.url,
    broker,
    redisUrl: testServers().redis,
    env: { PAYFLOW_INTERNAL_SECRET: SECRET },
  });
});
afterAll(async () => {
  await gateway.stop();
  await test.drop();
});

const ask = (path: string, init: RequestInit = {}) =>
  fetch(`${gateway.base}/internal/acknowledged_payments${path}`, {
    ...init,
    headers: { ...internalHeaders(SECRET, 'monitoring'), 'content-type': 'application/json', ...init.headers },
  });
const page = async (after: string) =>
  (await (await ask(`?${new URLSearchParams({ after })}`)).json()) as AcknowledgedPage;

/** A key that was taken so long ago, with the view of its payment or without. */
async function acknowledged(age_s: number, status?: string): Promise<PaymentState> {
  const id = uuidOf('payment', newId('payment'));
  const at = `clock_timestamp() - interval '${age_s} seconds'`;
  await test.tamper(
    `insert into idempotency_records (tenant_id, livemode, idempotency_key, fingerprint, resource_kind, resource_id, api_version, created_at)
     values ('${tenant}', false, '${id}', decode(repeat('00', 32), 'hex'), 'payment', '${id}', '2026-11-01', ${at})`,
  );
  if (status)
    await test.tamper(
      `insert into payment_views (tenant_id, livemode, id, status, version, amount_minor, amount_captured_minor, amount_refunded_minor, asset,
         source_account_id, destination_account_id, method, metadata, failure_code, created_at, updated_at)
       values ('${tenant}', false, '${id}', '${status}', 0, 1, 0, 0, 'USD', '${id}', '${id}', '{}', '{}',
         ${status === 'failed' ? `'insufficient_funds'` : 'null'}, now(), now())`,
    );
  return { tenant, livemode: false, id, status: status ?? null };
}

describe('what the gateway tells of what it acknowledged', () => {
  it('is told to nobody without an internal token', async () => {
    const stranger = { headers: { authorization: 'Bearer x.y.z' } };
    expect((await ask(`?after=${BEGINNING}`, stranger)).status).toBe(401);
    expect((await ask('', { method: 'POST', body: '{"payments":[]}', ...stranger })).status).toBe(401);
  });

  it('is every payment that has had time to arrive, oldest first, each once', async () => {
    const [third, first, second] = [
      await acknowledged(40),
      await acknowledged(90, 'pending'),
      await acknowledged(60, 'succeeded'),
    ];
    await acknowledged(5, 'pending');
    const { data, next, more } = await page(BEGINNING);
    expect(data).toEqual([first, second, third]);
    expect(more).toBe(false);
    expect(await page(next ?? '')).toEqual({ data: [], next: null, more: false });
  });

  it('is told again of those that are asked for', async () => {
    const known = await acknowledged(90, 'failed');
    const unknown = { tenant, livemode: true, id: known.id };
    const answer = await ask('', { method: 'POST', body: JSON.stringify({ payments: [known, unknown] }) });
    expect(await answer.json()).toEqual({ data: [known, { ...unknown, status: null }] });
  });

  it.each([
    '',
    'yesterday',
    `1/${'x'.repeat(36)}`,
    `-1/${BEGINNING.slice(17)}`,
    `${'9'.repeat(17)}/${BEGINNING.slice(17)}`,
  ])('begins at no place such as %j', async (after) => {
    expect((await ask(`?${new URLSearchParams({ after })}`)).status).toBe(400);
  });

  it.each([[{}], [{ payments: 'all' }], [{ payments: [{ tenant: 'x', livemode: false, id: 'y' }] }], [[]]])(
    'is no answer to %j',
    async (question) => {
      const answer = await ask('', { method: 'POST', body: JSON.stringify(question) });
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([400, 'invalid_request']);
    },
  );
});
