import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectBooksInOrder } from '../books/books.js';
import { jsonOf } from '../house/api-client.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';
import { Load, newPayment, sendOnce, sendUntilFinal, type SentPayment } from '../house/payments.js';
import { Random } from '../house/random.js';

const PAYMENTS = 2_000;
const CONCURRENCY = 64;
const REPLAYED = 200;
const DEADLINE_MS = 30_000;

describe('the pay path', () => {
  const random = new Random();
  let house: House;
  let merchant: Merchant;
  const all: SentPayment[] = [];

  beforeAll(async () => {
    house = await House.open({ name: 'flow' });
    merchant = await Merchant.open(house.databases, house.api);
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
  });

  it(`ends each of ${PAYMENTS} payments, ${CONCURRENCY} at a time, and books each once (seed ${random.seed})`, async () => {
    const load = new Load(merchant, { payments: PAYMENTS, concurrency: CONCURRENCY, random });
    all.push(...(await load.end()));
    expect(all).toHaveLength(PAYMENTS);
    expect(all.filter(({ final }) => final === undefined)).toEqual([]);
    await expectBooksInOrder(house, all);
  });

  it('sums to zero over all accounts of the ledger', async () => {
    const sum = await house.databases.value('ledger', 'select sum(posted_credits) - sum(posted_debits) from accounts');
    expect(sum).toBe('0');
  });

  it('refuses a payment for lack of funds with 402, keeps it failed, and moves nothing', async () => {
    const payment = newPayment(merchant, random);
    const poor: SentPayment = { ...payment, body: { ...payment.body, source: merchant.pauper } };
    await sendUntilFinal(merchant, poor, performance.now() + DEADLINE_MS);
    all.push(poor);
    expect(poor.final?.status).toBe(402);
    const problem = JSON.parse(poor.final?.body.toString() ?? '{}') as Record<string, unknown>;
    expect(problem).toMatchObject({
      code: 'declined',
      status: 402,
      payment: { id: poor.id, status: 'failed', amount_captured: '0', failure: { code: 'insufficient_funds' } },
    });
    const shown = jsonOf(await merchant.api.call(`/api/v1/payments/${poor.id}`));
    expect(shown).toEqual(problem['payment']);
  });

  it('answers a repeated request byte for byte, and books nothing more', async () => {
    for (const payment of all.slice(-REPLAYED)) {
      const before = payment.final;
      const reply = await sendOnce(merchant, payment);
      expect(reply.headers['idempotency-replayed']).toBe('true');
      expect(reply).toMatchObject({ kind: 'answer', status: before?.status, body: before?.body });
    }
    await expectBooksInOrder(house, all);
  });

  it('gives one payment to 50 copies of a request that arrive together', async () => {
    const payment = newPayment(merchant, random);
    await Promise.all(
      Array.from({ length: 50 }, () => sendUntilFinal(merchant, payment, performance.now() + DEADLINE_MS)),
    );
    all.push(payment);
    await expectBooksInOrder(house, all);
  });

  it('refuses a key that was used for another request, and leaves no trace of it', async () => {
    const payment = newPayment(merchant, random);
    await sendUntilFinal(merchant, payment, performance.now() + DEADLINE_MS);
    all.push(payment);
    const other = JSON.stringify({ ...payment.body, amount: '123456' });
    const reply = await merchant.api.call('/api/v1/payments', { body: other, idempotencyKey: payment.idempotencyKey });
    expect(reply).toMatchObject({ kind: 'answer', status: 422 });
    expect(jsonOf(reply)).toMatchObject({ code: 'idempotency_key_reused' });
    await expectBooksInOrder(house, all);
  });

  it('answers a GET right after 202 and holds every invariant the owners declare', async () => {
    const payment = newPayment(merchant, random);
    const reply = await sendOnce(merchant, payment, 0);
    expect(reply).toMatchObject({ kind: 'answer', status: 202 });
    const { location } = reply.headers;
    expect(await merchant.api.call(location ?? '')).toMatchObject({ kind: 'answer', status: 200 });
    await sendUntilFinal(merchant, payment, performance.now() + DEADLINE_MS);
    all.push(payment);
    await expectBooksInOrder(house, all);
    await house.verify();
  });

  it('has every group of the topology at the end of its topic', () => house.untilCaughtUp());
});
