import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectBooksInOrder } from '../books/books.js';
import { jsonOf } from '../house/api-client.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';

const ANSWERED_WITHIN_MS = 60_000;
const WAIT_S = 10;
type Resource = Record<string, unknown> & { readonly id: string };

describe('assets over HTTP', () => {
  let house: House;
  let merchant: Merchant;
  let alice: string;
  let bob: string;

  beforeAll(async () => {
    house = await House.open({ name: 'assets' });
    merchant = await Merchant.open(house.databases, house.api, 2);
    [alice = '', bob = ''] = merchant.accounts;
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
  });

  /** Sends until it is final; the same key each time. */
  async function send(path: string, body: object, method = 'POST') {
    const options = { method, body: JSON.stringify(body), idempotencyKey: newId('event'), wait_s: WAIT_S };
    return until(
      `${path} is answered`,
      async () => {
        const answer = await merchant.api.call(`/api/v1${path}`, options);
        return answer.kind === 'answer' && answer.status !== 202 ? answer : undefined;
      },
      ANSWERED_WITHIN_MS,
    );
  }
  const made = async (path: string, body: object): Promise<Resource> => {
    const reply = await send(path, body);
    expect([reply.status, path]).toEqual([201, path]);
    return jsonOf<Resource>(reply);
  };
  const refused = async (path: string, body: object) => {
    const reply = await send(path, body);
    return `${reply.status} ${jsonOf<{ code?: string }>(reply).code ?? ''}`;
  };
  const read = async (path: string) => jsonOf<Resource>(await merchant.api.call(`/api/v1${path}`));

  it('are defined, kept and converted into, with the rate told wherever it was used', async () => {
    const points = { code: 'POINTS', scale: 0, name: 'Loyalty points' };
    const defined = await made('/assets', points);
    expect(await made('/assets', points)).toEqual(defined);
    expect(await refused('/assets', { ...points, scale: 2 })).toBe('409 asset_exists');
    expect(await refused('/accounts', { asset: 'AIRTIME' })).toBe('422 asset_unknown');
    const pool = await made('/accounts', { asset: 'POINTS', overdraft: 'unbounded' });
    const wallet = await made('/accounts', { asset: 'POINTS' });
    const terms = { source: alice, source_liquidity: bob, source_asset: 'USD', destination_asset: 'POINTS' };
    const rate = { numerator: '3', denominator: '200' };
    const into = { destination_liquidity: pool.id, destination: wallet.id };
    const conversion = await made('/conversions', { ...terms, ...into, source_amount: '1999', rate });
    expect(conversion).toMatchObject({ status: 'posted', source_amount: '1999', destination_amount: '29', rate });
    expect(await read(`/conversions/${conversion.id}`)).toEqual(conversion);
    const [given = '', taken = ''] = conversion['transfers'] as string[];
    expect(await read(`/transfers/${given}`)).toMatchObject({ amount: '1999', asset: 'USD', rate });
    expect(await read(`/transfers/${taken}`)).toMatchObject({ amount: '29', asset: 'POINTS', rate });
    expect(await read(`/accounts/${wallet.id}/balance`)).toMatchObject({ asset: 'POINTS', balance: '29' });
    expect(await refused('/conversions', { ...terms, ...into, source_amount: '66', rate })).toBe(
      '422 conversion_too_small',
    );
    const poor = { ...terms, ...into, source: merchant.pauper, source_amount: '1999', rate };
    expect(await refused('/conversions', poor)).toBe('402 insufficient_funds');
    await made(`/transfers/${taken}/reverse`, {});
    expect(await read(`/accounts/${wallet.id}`)).toMatchObject({ balance: '0' });
  });

  it('are lent up to a limit, and every move of the overdraft is archived once', async () => {
    const { id } = await made('/accounts', { asset: 'USD', overdraft: 'limited', overdraft_limit: '100' });
    const pay = (debit_account: string, credit_account: string, amount: string) =>
      made('/transfers', { debit_account, credit_account, amount, asset: 'USD' });
    const moved = [await pay(id, bob, '60'), await pay(bob, id, '20'), await pay(bob, id, '50')];
    const archived = `
      select string_agg(concat_ws(' ', type, data ->> 'drawn_before', data ->> 'drawn_after', data ->> 'transfer'), e'\\n'
        order by (data ->> 'version')::integer)
      from archived_events where subject = '${id}' and type like 'payflow.account.overdraft%'`;
    const told = ['drawn.v1 0 60', 'repaid.v1 60 40', 'cleared.v1 40 0'].map(
      (move, at) => `payflow.account.overdraft_${move} ${moved[at]?.id ?? ''}`,
    );
    await until('it is archived', async () => (await house.databases.value('archiver', archived)) === told.join('\n'));
  });

  it('leave the books in order', () => expectBooksInOrder(house, []));
});
