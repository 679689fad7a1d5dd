import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fromUuid, newId, uuidOf, type DisputeSnapshot } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import type { RunningService } from '@payflow/service';
import {
  createTestDatabase,
  createTestTopics,
  openSpecPool,
  statementsOf,
  testBroker,
  testServers,
  uniqueSuffix,
  until,
  type TestDatabase,
} from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { entities, migrations } from '../../database/index.js';
import { Client, startGateway } from '../../testing/gateway-under-test.js';
import { House } from '../../testing/house.js';
import { told } from '../../testing/stage.js';

const PAYMENTS = '/api/v1/payments';
const broker = testBroker(uniqueSuffix());
let test: TestDatabase;
let db: Database;
let gateway: RunningService & { base: string };
let house: House;
let client: Client;
let terms: Record<string, unknown>;
/** The ledger's read API: it has booked whatever it is asked for, many at once or one. */
let ledger: Server;
let questions: string[][] = [];

beforeAll(async () => {
  ledger = createServer(async (request, response) => {
    const asked = request.method === 'POST' ? (JSON.parse(await text(request)) as { ids: string[] }).ids : undefined;
    const ids = asked ?? [request.url?.split('/').at(-1) as string];
    questions.push(ids);
    const facts = { debit_account: newId('account'), credit_account: newId('account'), amount: '1', asset: 'USD' };
    const more = {
      payment: null,
      hold: null,
      reverses: null,
      reversed: '0',
      corrects: null,
      corrected_by: null,
      version: 1,
    };
    const at = '2026-11-26T03:24:29.000Z';
    const data = ids.map((id) => ({ id, ...facts, ...more, effective_at: at, recorded_at: at }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(asked ? { data } : data[0]));
  }).listen(0, '127.0.0.1');
  await once(ledger, 'listening');
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  db = await openSpecPool(test.url, { entities });
  const url = `http://127.0.0.1:${(ledger.address() as AddressInfo).port}`;
  const env = { PAYFLOW_INTERNAL_SECRET: 's'.repeat(32), PAYFLOW_INTERNAL_LEDGER_URL: url };
  gateway = await startGateway({ databaseUrl: test.url, broker, redisUrl: testServers().redis, env });
  house = new House(db, broker);
  await house.start();
  client = await Client.of(db, gateway.base);
  terms = { source: await client.open(), destination: await client.open(), amount: '100', asset: 'USD' };
});
afterAll(async () => {
  await gateway?.stop();
  await house?.stop();
  await db?.close();
  await test?.drop();
  ledger?.closeAllConnections();
  ledger?.close();
});
beforeEach(() => {
  questions = [];
});

const post = (path: string, body: object) => client.postUntilTaken(path, body, { prefer: 'wait=10' });
const paid = async (more: object = {}) => (await post(PAYMENTS, { ...terms, ...more })).body['id'] as string;
const transferOf = (kind: 'payment' | 'refund', id: string) => fromUuid('transfer', uuidOf(kind, id));
type Shown = Record<'refunds' | 'captures' | 'transfers', { id: string; payment: string }[]>;
const CARD = { type: 'card', token: 'tok_visa' };
function disputeOf(payment: string, moved: readonly ('out' | 'back')[]): DisputeSnapshot {
  const at = new Date().toISOString();
  const [transfer = null, return_transfer = null] = moved.map(() => newId('transfer'));
  return {
    ...{ id: newId('dispute'), payment, connector: 'cards', provider_reference: newId('event'), asset: 'USD' },
    ...{ status: 'needs_response', leg: 'taken', leg_reason: null, amount: '1', amount_disputed: '1', reason: null },
    ...{ source: newId('account'), destination: newId('account'), transfer, return_transfer, accounts: [] },
    ...{ evidence_due_by: null, evidence_submitted_at: null, version: 1, created_at: at, updated_at: at },
  };
}
const disputesOf = async (id: string) =>
  ((await client.get(`${PAYMENTS}/${id}/disputes`)).body['data'] as object[]).length;
const idsOf = (list: readonly { id: string }[]) => list.map(({ id }) => id);

it('shows a payment with its refunds and its transfers, those of refunds among them', async () => {
  const id = await paid();
  const refunds = [
    await post(`${PAYMENTS}/${id}/refunds`, { amount: '3' }),
    await post(`${PAYMENTS}/${id}/refunds`, { amount: '4' }),
  ];
  const plain = (await client.get(`${PAYMENTS}/${id}`)).body;
  const { body } = await client.get(`${PAYMENTS}/${id}?expand=refunds,transfers,captures`);
  const shown = body as unknown as Shown;
  expect(body).toEqual({
    ...plain,
    refunds: refunds.map((refund) => refund.body),
    captures: [],
    transfers: body['transfers'],
  });
  const expected = [transferOf('payment', id), ...idsOf(shown.refunds).map((refund) => transferOf('refund', refund))];
  expect(idsOf(shown.transfers).sort()).toEqual(expected.sort());
  expect(shown.transfers.every(({ payment }) => payment === id)).toBe(true);
});

it('shows what disputes moved of a payment among its transfers, and asks nobody for what did not move', async () => {
  const [id, other] = [await paid({ method: CARD }), await paid({ method: CARD })];
  const disputes = [
    disputeOf(id, ['out', 'back']),
    disputeOf(id, ['out']),
    disputeOf(id, []),
    disputeOf(other, ['out']),
  ];
  for (const dispute of disputes)
    await house.publish('payflow.dispute.opened.v1', dispute, {
      tenant: client.tenant,
      livemode: false,
      traceparent: undefined,
    });
  await until('all are shown', async () => (await disputesOf(id)) + (await disputesOf(other)) === disputes.length);
  const shown = async (path: string) => (await client.get(`${PAYMENTS}${path}expand=transfers`)).body;
  const moved = disputes.map(({ transfer, return_transfer }) => [transfer, return_transfer].filter((one) => one));
  const one = (await shown(`/${id}?`)) as unknown as Shown;
  expect(idsOf(one.transfers).sort()).toEqual(moved.slice(0, 3).flat().sort());
  expect(one.transfers.every(({ payment }) => payment === id)).toBe(true);
  expect(questions.length).toBe(1);
  const { data } = (await shown('?limit=2&')) as unknown as { data: Shown[] };
  expect(data.map(({ transfers }) => transfers.length)).toEqual([1, 3]);
});

it('reads each transfer that it shows of a payment by its id, and finds whose it is', async () => {
  const id = await paid();
  const refund = (await post(`${PAYMENTS}/${id}/refunds`, { amount: '3' })).body['id'] as string;
  const disputed = await paid({ method: CARD });
  const dispute = disputeOf(disputed, ['out', 'back']);
  await house.publish('payflow.dispute.opened.v1', dispute, {
    tenant: client.tenant,
    livemode: false,
    traceparent: undefined,
  });
  await until('it is shown', async () => (await disputesOf(disputed)) === 1);
  const owners: [transfer: string | null, payment: string, found: string][] = [
    [transferOf('payment', id), id, id],
    [transferOf('refund', refund), id, refund],
    [dispute.transfer, disputed, dispute.id],
    [dispute.return_transfer, disputed, dispute.id],
  ];
  const stranger = await Client.of(db, gateway.base);
  for (const [transfer, payment, found] of owners) {
    const path = `/api/v1/transfers/${transfer}`;
    expect((await client.get(path)).body).toMatchObject({ id: transfer, payment, status: 'posted' });
    expect(told(await client.post(`${path}/reverse`, {}))).toBe('409 transfer_of_payment');
    expect((await client.get(`/api/v1/search?q=${transfer}`)).body).toMatchObject({ data: [{ id: found }] });
    expect(told(await stranger.get(path))).toBe('404 not_found');
  }
});

it('reads all that belongs to a page at once, and asks the ledger once', async () => {
  const ids = await Promise.all(Array.from({ length: 12 }, () => paid()));
  await Promise.all(ids.map((id) => post(`${PAYMENTS}/${id}/refunds`, { amount: '1' })));
  const cost = async (path: string) => {
    questions = [];
    const headers = { authorization: `Bearer ${client.key}` };
    const names = await statementsOf(async () => {
      await gateway.app.inject({ method: 'GET', url: `${PAYMENTS}?${path}`, headers });
    });
    return { statements: names.length, questions: questions.length };
  };
  expect(await cost('limit=1&expand=refunds,captures,transfers')).toEqual({ statements: 3, questions: 1 });
  expect(await cost('limit=12&expand=refunds,captures,transfers')).toEqual({ statements: 3, questions: 1 });
  const { data, next_cursor } = (await client.get(`${PAYMENTS}?limit=6&expand=refunds`)).body as unknown as {
    data: Shown[];
    next_cursor: string;
  };
  expect(data.map(({ refunds }) => refunds.length)).toEqual([1, 1, 1, 1, 1, 1]);
  const next = await client.get(`${PAYMENTS}?limit=6&cursor=${next_cursor}&expand=captures`);
  expect([next.status, (next.body['data'] as Shown[])[0]?.captures]).toEqual([200, []]);
});

it('shows transfers to those alone who may read transfers', async () => {
  const reader = await client.withKey(db, ['payments:read']);
  expect(told(await reader.get(`${PAYMENTS}?expand=transfers`))).toBe('403 forbidden');
  expect((await reader.get(`${PAYMENTS}?expand=refunds`)).status).toBe(200);
});
