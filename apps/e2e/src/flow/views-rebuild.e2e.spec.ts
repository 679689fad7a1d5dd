import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonOf, type Reply } from '../house/api-client.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';

const ANSWERED_WITHIN_MS = 60_000;
const WAIT_S = 10;
type Resource = Record<string, unknown> & { readonly id: string };

/** Of each view what its owner says of it; not what is the gateway's own, and not when it was touched. */
const SHOWN = {
  account_views: `to_jsonb(v) - 'updated_at' - 'terms_version'`,
  payment_views: `to_jsonb(v) - 'updated_at' - 'trace_id'`,
  payment_operation_views: `to_jsonb(v) - 'updated_at' - 'trace_id'`,
  transfer_views: `to_jsonb(v) - 'version' - 'created_at' - 'trace_id' - 'content_hash'`,
  transfer_group_views: `to_jsonb(v) - 'version' - 'created_at' - 'trace_id'`,
  hold_views: `to_jsonb(v) - 'updated_at' - 'created_at' - 'trace_id'`,
} as const;
type Table = keyof typeof SHOWN;
const TABLES = Object.keys(SHOWN) as Table[];

/** Of four rows one is damaged in one way, one in another, one is taken away, and one is left as it is. */
const DAMAGE: Readonly<Record<Table, readonly [string, string]>> = {
  account_views: [
    `posted_credits_minor = posted_credits_minor + 7`,
    `version = version + 1000, metadata = '{"a":"lie"}'`,
  ],
  payment_views: [
    `amount_minor = amount_minor + 1, reference = 'a lie'`,
    `version = version + 1000, amount_captured_minor = 0, amount_refunded_minor = 0`,
  ],
  payment_operation_views: [`amount_minor = 999999`, `version = 1000, reason = 'a lie'`],
  transfer_views: [
    `amount_minor = amount_minor + 1`,
    `metadata_version = metadata_version + 1000, metadata = '{"a":"lie"}'`,
  ],
  transfer_group_views: [`metadata = '{"a":"lie"}'`, `version = version + 1000, effective_at = now()`],
  hold_views: [`asset = 'EUR'`, `version = version + 1000, status = 'expired'`],
};

describe('the views of the gateway', () => {
  let house: House;
  let merchant: Merchant;
  let alice: string;
  let bob: string;
  let busy: Merchant;

  beforeAll(async () => {
    house = await House.open({ name: 'rebuild' });
    merchant = await Merchant.open(house.databases, house.api, 4);
    const [, , ...others] = merchant.accounts;
    [alice = '', bob = ''] = merchant.accounts;
    busy = merchant.payingBetween(others);
  }, 400_000);
  afterAll(async () => {
    merchant?.close();
    await house?.close();
  });

  async function send(path: string, body: object = {}, method = 'POST'): Promise<Reply> {
    const headers = method === 'PATCH' ? { 'if-match': '*' } : {};
    const options = { body: JSON.stringify(body), idempotencyKey: newId('event'), wait_s: WAIT_S, method, headers };
    return until(
      `${path} is answered`,
      async () => {
        const answer = await merchant.api.call(`/api/v1${path}`, options);
        return answer.kind === 'answer' && answer.status !== 202 ? answer : undefined;
      },
      ANSWERED_WITHIN_MS,
    );
  }
  const made = async (path: string, body: object = {}, method?: string): Promise<Resource> => {
    const reply = await send(path, body, method);
    expect([reply.status, reply.kind === 'answer' && reply.body.toString()]).toEqual([
      expect.toBeOneOf([200, 201]),
      expect.anything(),
    ]);
    return jsonOf<Resource>(reply);
  };

  /** Something of each kind, in each way that leaves a trace in a view. */
  async function keepBooks(): Promise<void> {
    const paid = { source: alice, destination: bob, amount: '1000', asset: 'USD', metadata: { order: '7' } };
    const [first, second] = [await made('/payments', { ...paid, reference: 'r-1' }), await made('/payments', paid)];
    await made('/payments', paid);
    await made(`/payments/${first.id}/refunds`, { amount: '300', reason: 'broken' });
    await made(`/payments/${second.id}/refunds`);
    const held = await made('/payments', { ...paid, capture: 'manual' });
    await made(`/payments/${held.id}/capture`, { amount: '400' });
    const open = await made('/payments', { ...paid, capture: 'manual_multiple' });
    await made(`/payments/${open.id}/capture`, { amount: '100', final: false });
    await send('/payments', { ...paid, source: merchant.pauper });
    const leg = { debit_account: alice, credit_account: bob, amount: '10', asset: 'USD' };
    const transfer = await made('/transfers', { ...leg, metadata: { a: 'b' } });
    await made(`/transfers/${transfer.id}`, { metadata: { a: 'c' } }, 'PATCH');
    await made(`/transfers/${transfer.id}/reverse`, { amount: '4' });
    const wrong = await made('/transfers', leg);
    await made(`/transfers/${wrong.id}/correct`, { amount: '9', metadata: { why: 'typo' } });
    for (let at = 0; at < 3; at++) await made('/transfers', { legs: [leg, leg, leg], metadata: { at: `${at}` } });
    const holds = [await made('/holds', leg), await made('/holds', leg), await made('/holds', leg)];
    await made(`/holds/${holds[0]?.id}/post`, { amount: '3' });
    await made(`/holds/${holds[1]?.id}/void`);
    const [euros, pool, liquidity] = [
      await made('/accounts', { asset: 'EUR' }),
      await made('/accounts', { asset: 'USD' }),
      await made('/accounts', { asset: 'EUR', overdraft: 'unbounded', metadata: { role: 'liquidity' } }),
    ];
    await made('/conversions', {
      ...{ source: alice, source_liquidity: pool.id, source_asset: 'USD', source_amount: '100' },
      ...{ destination: euros.id, destination_liquidity: liquidity.id, destination_asset: 'EUR' },
      rate: { numerator: '92', denominator: '100' },
    });
  }

  /** What every view shows, by table and id. */
  async function shown(): Promise<Map<string, unknown>> {
    const all = new Map<string, unknown>();
    for (const table of TABLES) {
      const rows = await house.databases.rows<{ id: string; row: unknown }>(
        'gateway',
        `select v.id, ${SHOWN[table]} as row from ${table} v`,
      );
      for (const { id, row } of rows) all.set(`${table}/${id}`, row);
    }
    return all;
  }

  async function balances(service: 'gateway' | 'ledger', table: string, unit: string): Promise<unknown[]> {
    const sums = ['posted_debits', 'posted_credits', 'pending_debits', 'pending_credits'].map(
      (sum) => `${sum}${unit}::text`,
    );
    const text = `select id, version::text, metadata::text, ${sums.join(', ')} from ${table} order by id`;
    return (await house.databases.rows(service, text)).map((row) => Object.values(row));
  }

  /** Rows of the view that are there by an owner's word: what never came to be has no owner. */
  const settled = (table: Table): string =>
    ['transfer_views', 'transfer_group_views'].includes(table) ? `status = 'posted'` : 'version > 0';

  async function damage(): Promise<void> {
    for (const table of TABLES) {
      const [one, other] = DAMAGE[table];
      const fourth = (at: number): string =>
        `id in (select id from (select id, row_number() over (order by id) as n from ${table} where ${settled(table)}) r where n % 4 = ${at})`;
      await house.databases.asSuperuser(
        'gateway',
        `with one as (update ${table} set ${one} where ${fourth(0)}), other as (update ${table} set ${other} where ${fourth(1)})
         delete from ${table} where ${fourth(2)}`,
      );
    }
  }

  const rebuild = async (): Promise<Map<string, readonly number[]>> => {
    const said = await house.installation
      .payflow('views', 'rebuild')
      .catch((error: { stdout: string }) => error.stdout);
    const lines = said.trim().split('\n').slice(1);
    return new Map(
      lines.map((line) => {
        const [view = '', ...counts] = line.split(/\s+/);
        return [view, counts.map(Number)];
      }),
    );
  };
  const changes = (outcome: ReadonlyMap<string, readonly number[]>) =>
    [...outcome].map(([view, [, restored, repaired, left]]) => [view, restored, repaired, left]);

  it('are found to be as their owners say, and nothing is touched', async () => {
    await keepBooks();
    await house.untilCaughtUp();
    const before = await shown();
    const outcome = await rebuild();
    expect(changes(outcome).map((counts) => counts.slice(1))).toEqual([...outcome].map(() => [0, 0, 0]));
    for (const [, [things]] of outcome) expect(things).toBeDefined();
    expect(await shown()).toEqual(before);
  }, 400_000);

  it('are made whole again while others read and write, and nothing that was right is ever seen otherwise', async () => {
    const before = await shown();
    let isOver = false;
    // Whatever comes of it while the accounts are not as they should be: it is what is at work meanwhile.
    const paying = (async () => {
      for (let at = 0; !isOver; at++) {
        const [source, destination] = at % 2 === 0 ? busy.accounts : [...busy.accounts].reverse();
        const body = JSON.stringify({ source, destination, amount: '5', asset: 'USD' });
        await merchant.api.call('/api/v1/payments', { body, idempotencyKey: newId('event'), wait_s: 1 });
      }
    })();
    await damage();
    const damaged = await shown();
    const intact = [...before].filter(
      ([key, row]) => key.startsWith('payment_views/') && JSON.stringify(damaged.get(key)) === JSON.stringify(row),
    );
    expect(intact.length).toBeGreaterThan(1);
    let looks = 0;
    const looking = (async () => {
      while (!isOver) {
        const now = await shown();
        for (const [key, row] of intact) expect([key, now.get(key)]).toEqual([key, row]);
        looks++;
      }
    })();
    const outcome = await rebuild().finally(() => (isOver = true));
    await looking;
    expect(looks).toBeGreaterThan(0);
    await paying;
    await house.untilCaughtUp();
    expect([...outcome.values()].reduce((sum, [, restored = 0]) => sum + restored, 0)).toBeGreaterThan(10);
    expect([...outcome.values()].reduce((sum, [, , repaired = 0]) => sum + repaired, 0)).toBeGreaterThan(10);
    // Once more: what somebody waited for was left to its event.
    await rebuild();
    const after = await shown();
    for (const [key, row] of before)
      if (!key.startsWith('account_views/')) expect([key, after.get(key)]).toEqual([key, row]);
    // Accounts have moved on meanwhile: they are as the ledger has them.
    expect(await balances('gateway', 'account_views', '_minor')).toEqual(await balances('ledger', 'accounts', ''));
  }, 600_000);
});
