import { newId, uuidOf } from '@payflow/contracts';
import { costOf, createTestDatabase, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from './index.js';
import { PLANNED_FOR_VALUES } from './list-statement.js';
import { findTransfer, listTransfers, TRANSFER_LISTS, type TransferFilter } from './transfer-view.repository.js';

const owner = { tenant: newId('tenant'), livemode: false };
const [alice, bob] = [newId('account'), newId('account')];
const TRANSFERS = 20_000;
const PAGE = 51;
let test: TestDatabase;
let admin: Client;

// Every 200th moves the first one back, every 1,000th has metadata, half of them are alike in it.
beforeAll(async () => {
  test = await createTestDatabase('gateway', migrations);
  admin = new Client({ connectionString: test.adminUrl });
  await admin.connect();
  const uuid = (kind: 'tenant' | 'account', id: string) => `'${uuidOf(kind, id)}'::uuid`;
  const id = (at: string) => `('01a00000-0000-7000-8000-' || lpad(to_hex(${at}), 12, '0'))::uuid`;
  await admin.query(`
    insert into transfer_views (tenant_id, livemode, id, status, debit_account_id, credit_account_id, amount_minor, asset, reverses_id,
      effective_at, metadata, version, created_at, recorded_at)
    select ${uuid('tenant', owner.tenant)}, false, ${id('at')}, 'posted', ${uuid('account', alice)}, ${uuid('account', bob)}, at, 'USD',
      case when at % 200 = 0 then ${id('1')} end, now(),
      case when at % 1000 = 0 then json_build_object('order', at::text, 'even', (at % 2000 = 0)::text) else '{}'::json end,
      1, '2026-01-01T00:00:00Z'::timestamptz + at * interval '1 second', now()
    from generate_series(1, ${TRANSFERS}) as at`);
  await admin.query('vacuum analyze transfer_views');
});
afterAll(async () => {
  await admin?.end();
  await test?.drop();
});

const list = async (filter: TransferFilter) =>
  (await listTransfers(test.database, owner, { filter, after: undefined, limit: PAGE })).map(({ amount }) => amount);

/** What a first page costs, and by which indexes it is found. */
async function cost(filter: TransferFilter, before?: typeof PLANNED_FOR_VALUES) {
  const page = { filter, after: undefined, limit: PAGE };
  const lists = TRANSFER_LISTS;
  const [statement, values] = lists.of(owner, page, (one) => uuidOf('transfer', one));
  const literals = values.map((value) => `'${String(value)}'`);
  const { rows, indexes } = await costOf(admin, statement, literals, before);
  return { rows, indexes: [...indexes] };
}

it('finds what is rare of its kind, newest first, and reads no more than is shown and moves it back', async () => {
  expect((await list({ kind: 'reversal' })).slice(0, 3)).toEqual(['20000', '19800', '19600']);
  const { rows, indexes } = await cost({ kind: 'reversal' });
  expect(indexes).toContain('transfer_views_by_kind');
  expect(rows).toBe(PAGE);
});

it('finds what is plain by time', async () => {
  expect((await list({ kind: 'plain' })).slice(0, 2)).toEqual(['19999', '19998']);
  const { rows, indexes } = await cost({ kind: 'plain' });
  expect(indexes).toContain('transfer_views_by_time');
  // One of 200 is passed over.
  expect(rows).toBeLessThanOrEqual(PAGE + 1);
  expect(await list({ kind: 'correction' })).toEqual([]);
});

it('finds metadata by its value, all that is asked for', async () => {
  expect(await list({ metadata: '{"order":"7000"}' })).toEqual(['7000']);
  expect(await list({ metadata: '{"even":"true","order":"7000"}' })).toEqual([]);
  expect(await list({ metadata: '{"even":"true"}', kind: 'reversal', amountGte: '18000' })).toEqual(['20000', '18000']);
  const { rows, indexes } = await cost({ metadata: '{"order":"7000"}' }, PLANNED_FOR_VALUES);
  expect(indexes).toContain('transfer_views_by_metadata');
  expect(rows).toBeLessThan(PAGE);
});

it('adds up what was moved back by the reversals of the one that is shown, and no others', async () => {
  const [{ id = '' } = {}] = await listTransfers(test.database, owner, {
    filter: { amountLte: '1' },
    after: undefined,
    limit: 1,
  });
  const sum = Array.from({ length: TRANSFERS / 200 }, (_, at) => (at + 1) * 200).reduce((a, b) => a + b);
  expect(await findTransfer(test.database, { ...owner, id })).toMatchObject({ amount: '1', reversed: String(sum) });
});
