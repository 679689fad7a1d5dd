import { newId, uuidOf } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonOf, type Reply } from '../house/api-client.js';
import { CardHouse, PAYMENTS_PATH } from '../house/card-house.js';
import type { House } from '../house/house.js';
import type { Merchant } from '../house/merchant.js';
import { TESTED_TABLES, TESTED_VIEWS, type TestedTable } from './rebuilt-views.js';

const ANSWERED_WITHIN_MS = 60_000;
const WAIT_S = 10;
type Resource = Record<string, unknown> & { readonly id: string };

describe('the views of the gateway', () => {
  let desk: CardHouse;
  let house: House;
  let merchant: Merchant;
  let alice: string;
  let bob: string;
  let busy: Merchant;

  beforeAll(async () => {
    desk = await CardHouse.open('rebuild');
    ({ house, merchant } = desk);
    const [, , ...others] = merchant.accounts;
    [alice = '', bob = ''] = merchant.accounts;
    busy = merchant.payingBetween(others);
  }, 400_000);
  afterAll(async () => {
    await desk?.close();
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

  /** Four of each of what an organisation defines for itself: one in its second version, one deleted where it can be, one off. */
  async function define(): Promise<void> {
    for (let at = 0; at < 4; at++) {
      await made('/assets', { code: `POINTS${at}`, scale: at, name: `Points ${at}` });
      const type = { id: `capture_${at}`, credit: [{ path: `shops:${at}:*` }] };
      await made('/transaction_types', type);
      const off = at === 3 ? { enabled: false } : {};
      const limit = { kind: 'per_day', asset: 'EUR', amount: '250', ...off };
      const { id } = await made('/limits', limit);
      const rule = { priority: at + 2, verdict: 'allow', reason: 'known', conditions: { asset: ['EUR'] }, ...off };
      const { id: ruleId } = await made('/risk_rules', rule);
      if (at === 2) for (const path of [`/limits/${id}`, `/risk_rules/${ruleId}`]) await made(path, {}, 'DELETE');
      if (at > 0) continue;
      const leg = { debit_account: '$payer', credit_account: bob, asset: 'USD', amount: '$total' };
      const template = { variables: { payer: 'account', total: 'amount' }, legs: [leg] };
      await made('/transaction_types', { ...type, template });
      await made('/limits', { ...limit, id, amount: '300' });
    }
    await made('/limits', { kind: 'velocity', scope: 'each_customer', count: 1000, minutes: 10 });
  }

  /** Reviews that were approved, denied, and that are open. */
  async function review(): Promise<void> {
    await made('/risk_rules', {
      ...{ priority: 1, verdict: 'review', reason: 'large' },
      conditions: { asset: ['USD'], amount_gte: '5000000', destination: [bob] },
    });
    const asked = Array.from({ length: 4 }, () => newId('payment'));
    for (const id of asked) {
      const body = JSON.stringify({ id, source: alice, destination: bob, amount: '5000000', asset: 'USD' });
      await merchant.api.call(PAYMENTS_PATH, { body, idempotencyKey: newId('event'), wait_s: 0 });
    }
    const open = await until('all are in the queue', async () => {
      const { data } = jsonOf<{ data: Resource[] }>(await merchant.api.call('/api/v1/reviews?status=open'));
      return data.length === asked.length ? data : undefined;
    });
    await made(`/reviews/${open[0]?.id}/approve`, { reason: 'known' });
    await made(`/reviews/${open[1]?.id}/deny`, { reason: 'unknown' });
  }

  /** Disputes at the acquirer: answered and decided, or as they came. */
  async function dispute(): Promise<void> {
    for (const outcome of ['won', 'lost', undefined, undefined] as const) {
      const { status, body } = await desk.pay({ amount: '50000' });
      expect([status, body]).toMatchObject([201, { status: 'succeeded' }]);
      const [paid] = await house.databases.rows<{ reference: string }>(
        'payments',
        'select provider_reference as reference from payments where id = $1',
        [uuidOf('payment', body['id'] as string)],
      );
      const { id } = await desk.sandbox.openDispute(paid?.reference ?? '', { amount: '40000' });
      const becomes = (status: string) =>
        until(`the dispute is ${status}`, async () => {
          const shownOf = await merchant.api.call(`${PAYMENTS_PATH}/${body['id'] as string}/disputes`);
          return jsonOf<{ data: Resource[] }>(shownOf).data.find((one) => one['status'] === status);
        });
      const { id: ours } = await becomes('needs_response');
      if (!outcome) continue;
      await made(`/disputes/${ours}/evidence`, { receipt: 'It was delivered on Tuesday.' });
      await desk.sandbox.decideDispute(id, outcome);
      await becomes(outcome);
    }
  }

  /** What every view shows, by table and key. */
  async function shown(ofTold = false): Promise<Map<string, unknown>> {
    const all = new Map<string, unknown>();
    for (const table of TESTED_TABLES) {
      const { key, shown: row, told } = TESTED_VIEWS[table];
      const rows = await house.databases.rows<{ key: string; row: unknown }>(
        'gateway',
        `select v.${key} as key, ${row} as row from ${table} v where ${ofTold ? told : 'true'}`,
      );
      for (const one of rows) all.set(`${table}/${one.key}`, one.row);
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

  async function damage(): Promise<void> {
    for (const table of TESTED_TABLES) {
      const {
        damage: [one, other],
        key,
        told,
      } = TESTED_VIEWS[table];
      const fourth = (at: number): string =>
        `${key} in (select ${key} from (select ${key}, row_number() over (order by ${key}) as n from ${table} where ${told}) r where n % 4 = ${at})`;
      await house.databases.asSuperuser(
        'gateway',
        `with one as (update ${table} set ${one} where ${fourth(0)}), other as (update ${table} set ${other} where ${fourth(1)})
         delete from ${table} where ${fourth(2)}`,
      );
    }
  }
  const remove = (table: TestedTable): Promise<void> =>
    house.databases.asSuperuser('gateway', `delete from ${table} where ${TESTED_VIEWS[table].told}`);

  const rebuild = async (): Promise<Map<string, readonly number[]>> => {
    const said = await house.installation
      .payflow('views', 'rebuild')
      .catch(({ stdout, stderr }: { stdout: string; stderr: string }) => {
        // Rows that were left to their events are its only reason to say no.
        expect(stderr).toContain('left to their events');
        return stdout;
      });
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
    await define();
    await review();
    await dispute();
    await house.untilCaughtUp();
    const before = await shown();
    const outcome = await rebuild();
    expect(await shown()).toEqual(before);
    expect(changes(outcome)).toEqual([...outcome.keys()].map((view) => [view, 0, 0, 0]));
    expect([...outcome].map(([view, [things]]) => [view, things])).toEqual(
      [...outcome.keys()].map((view) => [view, expect.toSatisfy((things: number) => things >= 4)]),
    );
    expect(outcome.size).toBe(TESTED_TABLES.length);
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

  it('are built from nothing as they were', async () => {
    await house.untilCaughtUp();
    const before = await shown(true);
    for (const table of TESTED_TABLES) await remove(table);
    expect((await shown(true)).size).toBe(0);
    const outcome = await rebuild();
    expect(changes(outcome)).toEqual([...outcome.keys()].map((view) => [view, expect.any(Number), 0, 0]));
    const after = await shown(true);
    for (const [key, row] of before) expect([key, after.get(key)]).toEqual([key, row]);
    expect(after.size).toBe(before.size);
  }, 400_000);

  it('of a test space that was left behind are not made again', async () => {
    await made('/test/reset');
    const opened = await made('/accounts', { asset: 'USD' });
    await made('/assets', { code: 'POINTS0', scale: 1, name: 'Other points' });
    await house.untilCaughtUp();
    // As the sweeper leaves them, nine days later.
    for (const table of TESTED_TABLES)
      await house.databases.asSuperuser(
        'gateway',
        `delete from ${table} where not livemode and tenant_id in (select space_id from retired_test_spaces)`,
      );
    const before = await shown();
    const outcome = await rebuild();
    expect(await shown()).toEqual(before);
    expect([...before.keys()]).toContain(`account_views/${uuidOf('account', opened.id)}`);
    for (const [view, [things = 0, restored, repaired, left, retired = 0]] of outcome) {
      expect([view, restored, repaired, left]).toEqual([view, 0, 0, 0]);
      expect([view, retired]).toEqual([view, things - (['accounts', 'units'].includes(view) ? 1 : 0)]);
    }
  }, 400_000);
});
