import { randomUUID } from 'node:crypto';
import { statement, type Database, type PublishedKey } from '@payflow/database';
import { createTestDatabase, openSpecPool, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { entities, migrations } from '../database/index.js';
import { REBUILT_VIEWS } from './rebuilt-views.js';
import { ViewRebuild } from './view-rebuild.js';

const tenant_id = randomUUID();
const AT = '2026-11-20T12:00:00.000+00:00';
const rebuild = new ViewRebuild(REBUILT_VIEWS.holds);
let test: TestDatabase;
let db: Database;

beforeAll(async () => {
  test = await createTestDatabase('gateway', migrations);
  db = await openSpecPool(test.url, { poolSize: 3, entities });
});
afterAll(async () => {
  await db?.close();
  await test?.drop();
});

/** A hold as its owner tells of it. */
const hold = (more: object = {}) => ({
  ...{
    tenant_id,
    livemode: false,
    id: randomUUID(),
    status: 'posted',
    amount_minor: 100,
    posted_minor: 60,
    asset: 'USD',
  },
  ...{
    debit_account_id: randomUUID(),
    credit_account_id: randomUUID(),
    expires_at: null,
    payment_id: null,
    type: 'topup',
  },
  ...{ version: 3, created_at: AT, updated_at: AT },
  ...more,
});
type Hold = ReturnType<typeof hold>;

const READ = statement(
  'spec.read-hold',
  `select to_jsonb(v) as row from hold_views v where tenant_id = $1 and livemode = $2 and id = $3`,
);
const shown = async ({ id }: Hold) => (await db.rows<{ row: object }>(READ, [tenant_id, false, id]))[0]?.row;
const keyOf = ({ id }: Hold): PublishedKey => ({ tenant_id, livemode: false, id });
const bring = (...holds: Hold[]) => rebuild.repair(db, holds.map(keyOf), async () => JSON.stringify(holds));
let changes = 0;
const change = (one: Hold, set: string) =>
  db.count(statement(`spec.change-${changes++}`, `update hold_views set ${set} where id = '${one.id}'`));

it('restores what is missing, and touches nothing that is as the owner says', async () => {
  const one = hold();
  expect(await bring(one)).toEqual({ restored: 1, repaired: 0, retired: 0, awaited: [] });
  const before = await shown(one);
  expect(before).toMatchObject({ status: 'posted', posted_minor: 60, type: 'topup', version: 3 });
  expect(await bring(one)).toEqual({ restored: 0, repaired: 0, retired: 0, awaited: [] });
  expect(await shown(one)).toEqual(before);
});

it.each([
  ['at the same version', `posted_minor = 1, asset = 'EUR'`],
  ['at a version that its owner has never had', `version = 900, status = 'expired'`],
  ['at an older one', `version = 1, status = 'pending', posted_minor = 0`],
])('corrects in place what is wrong %s, and keeps what is ours', async (_, set) => {
  const one = hold();
  await bring(one);
  await change(one, `trace_id = 'ours', transfer_id = debit_account_id`);
  const right = await shown(one);
  await change(one, set);
  expect(await bring(one)).toEqual({ restored: 0, repaired: 1, retired: 0, awaited: [] });
  expect(await shown(one)).toEqual(right);
});

it('leaves what an event on its way is to change and to answer, and comes back to it', async () => {
  const one = hold();
  await bring(one);
  await change(one, `version = 2, status = 'pending'`);
  const before = await shown(one);
  const pending = statement(
    'spec.pending',
    `insert into pending_writes (tenant_id, livemode, resource_id, resource_kind, idempotency_key, request_id, accepted_at, outbox_id, outbox_created_at)
     values ($1, false, $2, 'hold', 'key', 'request', now(), gen_random_uuid(), now())`,
  );
  await db.count(pending, [tenant_id, one.id]);
  expect(await bring(one)).toMatchObject({ restored: 0, repaired: 0, awaited: [keyOf(one)] });
  expect(await shown(one)).toEqual(before);
  await db.count(statement('spec.answered', 'delete from pending_writes'));
  expect(await bring(one)).toMatchObject({ repaired: 1, awaited: [] });
  expect(await shown(one)).toMatchObject({ version: 3, status: 'posted' });
});

it('never takes back what an event brings while the owner is asked', async () => {
  const one = hold();
  // Not there when the rows are locked; there, and further on, when the state is written.
  const newer = { ...one, version: 4, posted_minor: 100 };
  const outcome = await rebuild.repair(db, [keyOf(one)], async () => {
    await bring(newer);
    return JSON.stringify([one]);
  });
  expect(outcome.awaited).toEqual([]);
  expect(await shown(one)).toMatchObject({ version: 4, posted_minor: 100 });
});

it('makes nothing of test spaces that were left behind, and what is live of the same organisation', async () => {
  const organisation = randomUUID();
  const [test, live] = [hold({ tenant_id: organisation }), hold({ tenant_id: organisation, livemode: true })];
  const retired = statement(
    'spec.retired',
    `with made as (insert into tenants (id, name) values ($1, 'reset') returning id)
     insert into retired_test_spaces (space_id, tenant_id) select id, id from made`,
  );
  await db.count(retired, [organisation]);
  const asked: PublishedKey[] = [];
  const keys = [test, live].map(({ tenant_id: tenant, livemode, id }) => ({ tenant_id: tenant, livemode, id }));
  const outcome = await rebuild.repair(db, keys, async (living) => {
    asked.push(...living);
    return JSON.stringify([live]);
  });
  expect(outcome).toEqual({ restored: 1, repaired: 0, retired: 1, awaited: [] });
  expect(asked).toEqual([keys[1]]);
});

it('knows a thing by its name, and JSON’s null for nothing', async () => {
  const types = new ViewRebuild(REBUILT_VIEWS.types);
  const put = statement(
    'spec.type',
    `insert into transaction_type_views (tenant_id, livemode, name, version, debit, credit, template, defined_at)
     values ($1, false, 'topup', 2, 'null', '[{"kind":"income"}]', 'null', $2)`,
  );
  await db.count(put, [tenant_id, AT]);
  const told = { tenant_id, livemode: false, name: 'topup', version: 2, debit: null, template: null, defined_at: AT };
  const bringType = (credit: object) =>
    types.repair(db, [{ tenant_id, livemode: false, id: 'topup' }], async () => JSON.stringify([{ ...told, credit }]));
  expect(await bringType([{ kind: 'income' }])).toMatchObject({ restored: 0, repaired: 0 });
  expect(await bringType([{ kind: 'asset' }])).toMatchObject({ restored: 0, repaired: 1 });
  expect(await bringType([{ kind: 'asset' }])).toMatchObject({ restored: 0, repaired: 0 });
});
