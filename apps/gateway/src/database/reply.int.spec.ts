import { newId, uuidOf } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { migrations } from './index.js';
import { keyColumns, keyOf, type ResourceKey } from './keys.js';
import { takeAnswered, takePending } from './reply.repository.js';

const WAITING = 3_000;
const TAKEN = 50;
const PUT = statement(
  'spec.put-pending',
  `insert into pending_writes (tenant_id, livemode, resource_id, resource_kind, idempotency_key, request_id, accepted_at, outbox_id,
     outbox_created_at, command_id)
   select tenant_id, livemode, id, 'payment', id::text, 'req', now(), id, now(), command_id
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[]) as w (tenant_id, livemode, id, command_id)`,
);
const WAIT = statement('spec.waiting', 'select count(*)::integer as waiting from pending_writes');
// The plan that a statement has from its sixth time on: made once, for whatever batch.
const AS_OFTEN_ASKED = statement('spec.generic', `select set_config('plan_cache_mode', 'force_generic_plan', true)`);
// By this connection: also what was only looked at and left.
const LOOKED_AT = statement(
  'spec.looked-at',
  `select (pg_stat_get_xact_tuples_fetched('pending_writes'::regclass)
     + pg_stat_get_xact_tuples_returned('pending_writes'::regclass))::integer as rows`,
);

let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase('gateway', migrations, 1);
});
afterAll(() => test?.drop());
beforeEach(() => test.tamper('truncate pending_writes'));

const tenant = newId('tenant');
const payments = (count: number, of = { tenant, livemode: false }): ResourceKey[] =>
  Array.from({ length: count }, () => ({ ...of, id: newId('payment') }));
/** The command of a payment: of the same UUID. */
const commandOf = (key: ResourceKey): ResourceKey => ({ ...key, id: key.id.replace('pay_', 'evt_') });

const lookedAt = async (tx: Transaction) => (await tx.rows<{ rows: number }>(LOOKED_AT))[0]?.rows ?? 0;

async function put(keys: readonly ResourceKey[]): Promise<void> {
  const commands = keys.map((key) => uuidOf('event', commandOf(key).id));
  await test.database.transaction((tx) => tx.rows(PUT, [...keyColumns('payment', keys), commands]));
}

it.each([
  ['resources', (tx: Transaction, keys: ResourceKey[]) => takePending(tx, 'payment', keys)],
  ['commands', (tx: Transaction, keys: ResourceKey[]) => takeAnswered(tx, keys.map(commandOf))],
])('takes what %s wait for without a look at the thousands of others that wait', async (_by, take) => {
  const waiting = payments(WAITING);
  const batch = waiting.filter((_, at) => at % (WAITING / TAKEN) === 0);
  // The plan that it keeps is made while nobody waits.
  await test.database.transaction(async (tx) => {
    await tx.rows(AS_OFTEN_ASKED);
    await take(tx, batch);
  });
  await put(waiting);
  await test.database.transaction(async (tx) => {
    await tx.rows(AS_OFTEN_ASKED);
    const before = await lookedAt(tx);
    expect((await take(tx, batch)).size).toBe(TAKEN);
    expect((await lookedAt(tx)) - before).toBeLessThan(3 * TAKEN);
  });
  const [left] = await test.database.rows<{ waiting: number }>(WAIT);
  expect(left?.waiting).toBe(WAITING - TAKEN);
});

it('takes nobody else’s of the same id, nor the other mode’s', async () => {
  const [one, two] = payments(2) as [ResourceKey, ResourceKey];
  const others = payments(1, { tenant: newId('tenant'), livemode: true }).map((key) => ({ ...key, id: one.id }));
  await put([one, two, ...others]);
  const asked = [one, { ...(others[0] as ResourceKey), id: two.id }];
  const taken = await test.database.transaction((tx) => takePending(tx, 'payment', asked));
  expect([...taken.keys()]).toEqual([keyOf(one)]);
  const [left] = await test.database.rows<{ waiting: number }>(WAIT);
  expect(left?.waiting).toBe(2);
});
