import { uuidOf } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonOf } from '../house/api-client.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';
import { untilAnswered } from '../house/wish.js';

const DAY_S = 86_400;
const SETTLED_WITHIN_MS = 60_000;

describe('test mode', () => {
  let house: House;
  let merchant: Merchant;

  beforeAll(async () => {
    house = await House.open({ name: 'test_mode' });
    merchant = await Merchant.open(house.databases, house.api, 2);
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
  });

  const read = async (path: string) => jsonOf(await merchant.api.call(`/api/v1${path}`));
  const ask = (path: string, body: object) => untilAnswered(merchant.api, `/api/v1${path}`, body);
  const becomes = (path: string, status: string) =>
    until(`${path} is ${status}`, async () => (await read(path))['status'] === status, SETTLED_WITHIN_MS);
  const heard = () =>
    until('payments and the ledger have heard', async () => {
      const { heard } = (await read('/test/clock')) as { heard: Record<string, boolean> };
      return Object.values(heard).every(Boolean);
    });
  const held = (account: string) =>
    house.databases.value('ledger', `select pending_debits from accounts where id = '${uuidOf('account', account)}'`);

  it('goes eight days ahead: authorizations and holds have expired, and nothing is held any more', async () => {
    const [payer = '', payee = ''] = merchant.accounts;
    const paid = { source: payer, destination: payee, amount: '500', asset: 'USD', capture: 'manual' };
    const authorized = await ask('/payments', { ...paid, method: { type: 'internal' } });
    const unconfirmed = await ask('/payments', { ...paid, method: { type: 'internal' }, confirm: false });
    const expires_at = new Date(Date.now() + 7 * DAY_S * 1000).toISOString();
    const accounts = { debit_account: payer, credit_account: payee };
    const hold = await ask('/holds', { ...accounts, amount: '70', asset: 'USD', expires_at });
    expect([authorized, unconfirmed, hold].map(({ status, body }) => [status, body['status']])).toEqual([
      [201, 'authorized'],
      [201, 'requires_action'],
      [201, 'pending'],
    ]);
    expect(await held(payer)).toBe('570');

    const travelled = await ask('/test/clock', { advance_seconds: 8 * DAY_S });
    expect([travelled.status, travelled.body['ahead_seconds']]).toEqual([200, 8 * DAY_S]);
    await heard();
    await becomes(`/payments/${authorized.body['id'] as string}`, 'expired');
    await becomes(`/payments/${unconfirmed.body['id'] as string}`, 'expired');
    await becomes(`/holds/${hold.body['id'] as string}`, 'expired');
    expect(await held(payer)).toBe('0');
    // Nothing can be taken of what has expired, nor called off, nor booked of a hold.
    const [late, over] = [authorized.body['id'] as string, hold.body['id'] as string];
    const refused = [
      await ask(`/payments/${late}/capture`, {}),
      await ask(`/payments/${late}/cancel`, {}),
      await ask(`/payments/${unconfirmed.body['id'] as string}/confirm`, {}),
      await ask(`/holds/${over}/post`, {}),
    ];
    expect(refused.map(({ status, body }) => `${status} ${body['code'] as string}`)).toEqual([
      '409 payment_not_capturable',
      '409 payment_not_cancelable',
      '409 payment_not_confirmable',
      '409 hold_not_pending',
    ]);
    expect(await held(payer)).toBe('0');
    expect((await read(`/payments/${late}`))['amount_captured']).toBe('0');

    // What begins now has its own time before it.
    const next = await ask('/payments', { ...paid, method: { type: 'internal' } });
    const captured = await ask(`/payments/${next.body['id'] as string}/capture`, {});
    expect([next.body['status'], captured.status]).toEqual(['authorized', 200]);
  });

  it('begins anew, with the books of before in order', async () => {
    const [payer = ''] = merchant.accounts;
    expect((await ask('/test/reset', {})).status).toBe(200);
    expect((await merchant.api.call(`/api/v1/accounts/${payer}`)).status).toBe(404);
    expect(await read('/test/clock')).toMatchObject({ ahead_seconds: 0, version: 0 });
    const opened = await ask('/accounts', { asset: 'USD', overdraft: 'unbounded' });
    const other = await ask('/accounts', { asset: 'USD' });
    const payment = { source: opened.body['id'], destination: other.body['id'], amount: '5', asset: 'USD' };
    expect((await ask('/payments', { ...payment, method: { type: 'internal' } })).status).toBe(201);
    await house.untilCaughtUp();
    await house.verify();
  });
});
