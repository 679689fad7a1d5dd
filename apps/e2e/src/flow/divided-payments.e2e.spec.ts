import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonOf, type Reply } from '../house/api-client.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';

const ANSWERED_WITHIN_MS = 60_000;
const WAIT_S = 10;
type Resource = Record<string, unknown> & { readonly id: string };
interface Leg {
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: string;
  readonly payment: string;
}

describe('a payment that is divided', () => {
  let house: House;
  let merchant: Merchant;
  let alice: string;
  let shop: string;
  let fees: string;
  let taxes: string;

  beforeAll(async () => {
    house = await House.open({ name: 'divided' });
    merchant = await Merchant.open(house.databases, house.api, 4);
    [alice = '', shop = '', fees = '', taxes = ''] = merchant.accounts;
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
  });

  async function send(path: string, body: object): Promise<Resource> {
    const options = { body: JSON.stringify(body), idempotencyKey: newId('event'), wait_s: WAIT_S };
    const reply = await until(
      `${path} is answered`,
      async (): Promise<Reply | undefined> => {
        const answer = await merchant.api.call(`/api/v1${path}`, options);
        return answer.kind === 'answer' && answer.status !== 202 ? answer : undefined;
      },
      ANSWERED_WITHIN_MS,
    );
    return jsonOf<Resource>(reply);
  }
  const read = async (path: string) => jsonOf<Resource>(await merchant.api.call(`/api/v1${path}`));
  const balance = async (account: string) => BigInt((await read(`/accounts/${account}`))['balance'] as string);
  const breakdown = () => [
    { kind: 'fee', account: fees, basis_points: 290, fixed: '30' },
    { kind: 'tax', account: taxes, amount: '200' },
  ];
  const paid = (more: object = {}) =>
    send('/payments', {
      source: alice,
      destination: shop,
      amount: '1000',
      asset: 'USD',
      breakdown: breakdown(),
      ...more,
    });

  /** What the ledger booked for it: from whom, to whom, how much. */
  async function legsOf(id: string): Promise<string[]> {
    const names = new Map(
      [alice, shop, fees, taxes].map((account, at) => [account, ['alice', 'shop', 'fees', 'taxes'][at]]),
    );
    const { transfers } = (await read(`/payments/${id}?expand=transfers`)) as unknown as { transfers: Leg[] };
    expect(transfers.every(({ payment }) => payment === id)).toBe(true);
    return transfers
      .map((leg) => `${names.get(leg.debit_account)} ${names.get(leg.credit_account)} ${leg.amount}`)
      .sort();
  }

  /** What an action moves, by account: shop, fees, taxes. */
  async function moved(act: () => Promise<unknown>): Promise<bigint[]> {
    const before = await Promise.all([shop, fees, taxes].map(balance));
    await act();
    const after = await Promise.all([shop, fees, taxes].map(balance));
    return after.map((sum, at) => sum - (before[at] as bigint));
  }

  it('at once is booked by one group, and balances read after the answer show it', async () => {
    let payment: Resource | undefined;
    const got = await moved(async () => (payment = await paid()));
    expect(payment).toMatchObject({ status: 'succeeded', amount_captured: '1000' });
    expect(got).toEqual([741n, 59n, 200n]);
    expect(await legsOf(payment?.id ?? '')).toEqual(['alice fees 59', 'alice shop 741', 'alice taxes 200']);
  });

  it('later is divided with each capture, in all as one would have been', async () => {
    const { id, status } = await paid({ capture: 'manual_multiple' });
    expect(status).toBe('authorized');
    const got = await moved(async () => {
      for (const amount of ['1', '499', '3']) await send(`/payments/${id}/capture`, { amount });
      await send(`/payments/${id}/capture`, {});
    });
    expect(got).toEqual([741n, 59n, 200n]);
    expect(await read(`/payments/${id}`)).toMatchObject({ status: 'succeeded', amount_captured: '1000' });
    const legs = await legsOf(id);
    const sum = (of: string) =>
      legs.filter((leg) => leg.startsWith(of)).reduce((total, leg) => total + Number(leg.split(' ')[2]), 0);
    expect([sum('alice shop'), sum('shop fees'), sum('shop taxes')]).toEqual([1000, 59, 200]);
  });

  it('that the ledger refuses moves nothing to anybody', async () => {
    const source = merchant.pauper;
    const got = await moved(async () => {
      const problem = await paid({ source });
      expect(problem).toMatchObject({ code: 'declined', payment: { failure: { code: 'insufficient_funds' } } });
    });
    expect(got).toEqual([0n, 0n, 0n]);
  });

  it('leaves books that add up', async () => {
    const sum = await house.databases.value('ledger', 'select sum(posted_credits) - sum(posted_debits) from accounts');
    expect(sum).toBe('0');
  });
});
