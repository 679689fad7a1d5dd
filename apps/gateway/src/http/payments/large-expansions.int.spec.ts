import { newId, uuidOf } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { DATABASE } from '@payflow/service';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROWS_WITHIN_MAX } from '../../database/rows-within.js';
import { Client } from '../../testing/gateway-under-test.js';
import { openStage, type Stage } from '../../testing/stage.js';

const PAYMENTS = '/api/v1/payments';
const NDJSON = { accept: 'application/x-ndjson' };
/** As much as a request may have. */
const METADATA = "(select json_object_agg('k' || m, repeat('x', 1000)) from generate_series(1, 50) as m)";
let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

interface Shown {
  readonly id: string;
  readonly refunds: readonly { readonly id: string; readonly created_at: string }[];
}

/** An organisation of its own with so many payments, oldest first. */
async function payer(count: number, more: object = {}) {
  const client = await Client.of(stage.db, stage.gateway.base);
  const terms = { source: await client.open(), destination: await client.open(), amount: '100', asset: 'USD', ...more };
  const ids: string[] = [];
  for (let nth = 0; nth < count; nth++)
    ids.push((await client.postUntilTaken(PAYMENTS, terms, { prefer: 'wait=10' })).body['id'] as string);
  return { client, ids };
}

/** So many refunds that were refused, one a second. */
async function refused(payment: string, count: number, metadata = "'{}'"): Promise<void> {
  await stage.tamper(
    `insert into payment_operation_views (tenant_id, livemode, id, payment_id, kind, status, asset, failure_code, metadata, version, created_at, updated_at)
     select p.tenant_id, p.livemode, gen_random_uuid(), p.id, 'refund', 'failed', 'USD', 'refund_exceeds_captured', ${metadata}, 1,
       p.created_at + n * interval '1 second', p.created_at + n * interval '1 second'
     from payment_views p, generate_series(1, ${count}) as n where p.id = '${uuidOf('payment', payment)}'`,
  );
}

it('shows the newest refunds within a payment, oldest first; their own list has all of them', async () => {
  const { client, ids } = await payer(1);
  await refused(ids[0] as string, ROWS_WITHIN_MAX + 30);
  const listed: string[] = [];
  for (let cursor: unknown = ''; typeof cursor === 'string';) {
    const { body } = await client.get(`/api/v1/refunds?payment=${ids[0]}&limit=100${cursor && `&cursor=${cursor}`}`);
    listed.push(...(body['data'] as { id: string }[]).map(({ id }) => id));
    cursor = body['next_cursor'];
  }
  expect(listed.length).toBe(ROWS_WITHIN_MAX + 30);
  const newest = listed.slice(0, ROWS_WITHIN_MAX).toReversed();
  const one = (await client.get(`${PAYMENTS}/${ids[0]}?expand=refunds`)).body as unknown as Shown;
  expect(one.refunds.map(({ id }) => id)).toEqual(newest);
  const page = (await client.get(`${PAYMENTS}?expand=refunds`)).body as unknown as { data: Shown[] };
  expect(page.data[0]?.refunds.map(({ id }) => id)).toEqual(newest);
});

it('shows the newest transfers within a payment that went by steps; their own list has all of them', async () => {
  const { client, ids } = await payer(1, { method: { type: 'card', token: 'tok_visa' } });
  await stage.tamper(
    `insert into transfer_views (tenant_id, livemode, id, payment_id, status, debit_account_id, credit_account_id, amount_minor, asset, metadata, version, created_at, recorded_at)
     select p.tenant_id, p.livemode, gen_random_uuid(), p.id, 'posted', p.source_account_id, p.destination_account_id, n, 'USD', '{}', 1,
       p.created_at + n * interval '1 second', p.created_at + n * interval '1 second'
     from payment_views p, generate_series(1, 130) as n where p.id = '${uuidOf('payment', ids[0] as string)}'`,
  );
  const { body } = await client.get(`${PAYMENTS}/${ids[0]}?expand=transfers`);
  const newest = Array.from({ length: ROWS_WITHIN_MAX }, (_, at) => String(at + 31));
  expect((body['transfers'] as { amount: string }[]).map(({ amount }) => amount)).toEqual(newest);
  const listed = await client.get(`/api/v1/transfers?payment=${ids[0]}&limit=200`);
  expect((listed.body['data'] as object[]).length).toBe(130);
});

it('ends a page of payments where what belongs to them is much, and tells each once, with all that is shown of it', async () => {
  const { client, ids } = await payer(5);
  const [first, second, , fourth, fifth] = ids as [string, string, string, string, string];
  for (const id of [first, second, fourth]) await refused(id, ROWS_WITHIN_MAX, METADATA);
  await refused(fifth, 1);
  const told: [string, number][][] = [];
  for (let cursor: unknown = ''; typeof cursor === 'string';) {
    const { body } = await client.get(`${PAYMENTS}?expand=refunds&limit=4${cursor && `&cursor=${cursor}`}`);
    told.push((body['data'] as Shown[]).map(({ id, refunds }): [string, number] => [id, refunds.length]));
    cursor = body['next_cursor'];
  }
  const of = (nth: number): [string, number] => [ids[nth] as string, [100, 100, 0, 100, 1][nth] as number];
  expect(told).toEqual([[of(4), of(3), of(2)], [of(1)], [of(0)]]);
  const { text } = await client.get(`${PAYMENTS}?expand=refunds`, NDJSON);
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Shown);
  expect(lines.map(({ id, refunds }) => [id, refunds.length])).toEqual(told.flat());
});

it('ends a page of payments where rows within them are many', async () => {
  const { client, ids } = await payer(1);
  const more = "jsonb_build_object('id', gen_random_uuid(), 'created_at', v.created_at + n * interval '1 second')";
  await stage.tamper(
    `insert into payment_views select (jsonb_populate_record(v, ${more})).* from payment_views v, generate_series(1, 24) as n
     where v.id = '${uuidOf('payment', ids[0] as string)}'`,
  );
  const all = (await client.get(`${PAYMENTS}?limit=200`)).body['data'] as Shown[];
  for (const { id } of all) await refused(id, ROWS_WITHIN_MAX);
  const { body } = await client.get(`${PAYMENTS}?expand=refunds&limit=200`);
  const rest = await client.get(`${PAYMENTS}?expand=refunds&limit=200&cursor=${body['next_cursor']}`);
  const told = [body, rest.body].map(({ data }) => (data as Shown[]).map(({ id }) => id));
  expect(told.map(({ length }) => length)).toEqual([20, 5]);
  expect(told.flat()).toEqual(all.map(({ id }) => id));
});

it('reads what belongs to a page over the connections for reports, in a turn of lists', async () => {
  const { client } = await payer(1);
  const pool = (of: string) => {
    const { total, idle } = stage.gateway.app
      .get<Database>(DATABASE, { strict: false })
      .pools()
      .find(({ purpose }) => purpose === of) ?? { total: 0, idle: 0 };
    return total - idle;
  };
  let answer: ReturnType<Client['get']> | undefined;
  await stage.db.transaction(async (tx) => {
    await tx.rows(statement('spec.lock', 'lock table payment_operation_views in access exclusive mode'));
    answer = client.get(`${PAYMENTS}?expand=refunds`);
    await until('it is read', () => pool('reports') === 1 && pool('api') === 0);
  });
  expect((await answer)?.status).toBe(200);
});

it('shows nothing of a payment that has none', async () => {
  const { client } = await payer(1);
  const { data } = (await client.get(`${PAYMENTS}?expand=refunds`)).body as unknown as { data: Shown[] };
  expect(data).toMatchObject([{ refunds: [] }]);
  expect((await client.get(`${PAYMENTS}/${newId('payment')}?expand=refunds`)).status).toBe(404);
});
