import type { AnyMessage, PaymentCreate } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { statementsOf } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PaymentRetriesOfRetries1764700000031 } from '../database/migrations/1764700000031-payment-retries-of-retries.js';
import { DESTINATION, PaymentsUnderTest, SOURCE } from '../testing/payments-under-test.js';

const CROWD = 50;
const PLACES = statement('spec.places', 'select count(*)::integer as places from payment_retries');

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(async () => {
  expect(await payments.closeWithBroken()).toEqual([]);
});

const DIRECT = { capture: 'automatic' } as const;
const BY_CARD = { method: { type: 'card', token: 'tok_visa' } } as const;
const retry = (failed: string, change: Partial<PaymentCreate> = DIRECT) =>
  payments.create({ ...change, retry_of: failed });

async function failed(): Promise<string> {
  const create = payments.create(DIRECT);
  await payments.tell(create);
  await payments.settle(() => 'insufficient_funds');
  return create.data.id;
}

async function ends(...ids: readonly string[]): Promise<unknown[]> {
  const rows = await Promise.all(ids.map((id) => payments.row(id)));
  return rows.map(({ status, failure_code: code }) => (code === null ? status : `${String(status)} ${String(code)}`));
}

describe.each([
  ['direct', DIRECT],
  ['by card', BY_CARD],
])('a payment that failed is tried again (%s)', (_, change) => {
  it('once at a time: while one is under way, and when it has succeeded, another fails', async () => {
    const first = await failed();
    const [again, late, later] = [retry(first), retry(first, change), retry(first, change)];
    await payments.tell(again);
    await payments.tell(late);
    expect(await ends(again.data.id, late.data.id)).toEqual(['processing', 'failed payment_retried']);
    await payments.settle();
    await payments.tell(later);
    await payments.settle();
    expect(await ends(again.data.id, later.data.id)).toEqual(['succeeded', 'failed payment_retried']);
    expect(await payments.transitions(later.data.id)).toEqual(['processing failed']);
  });

  it('again where that one failed, or was called off', async () => {
    const first = await failed();
    const [second, third] = [retry(first), retry(first, { ...change, confirm: false })];
    await payments.tell(second);
    await payments.settle(() => 'account_frozen');
    await payments.tell(third);
    await payments.tell(payments.wish(third.data.id, 'cancellation'));
    await payments.settle();
    expect(await ends(second.data.id, third.data.id)).toEqual(['failed account_frozen', 'canceled']);
    const fourth = retry(first);
    await payments.tell(fourth);
    await payments.settle();
    expect(await ends(fourth.data.id)).toEqual(['succeeded']);
  });

  it('again where its customer never came, and that one ran out of time', async () => {
    const first = await failed();
    const late = retry(first, { ...change, confirm: false, expires_at: new Date(Date.now() - 1_000).toISOString() });
    await payments.tell(late);
    await payments.tell(payments.expire(late.data.id));
    expect(await ends(late.data.id)).toEqual(['expired']);
    const again = retry(first);
    await payments.tell(again);
    await payments.settle();
    expect(await ends(again.data.id)).toEqual(['succeeded']);
  });

  it('once at a time by whichever of its retries: one that failed, or stood back, is tried again in the same place', async () => {
    const first = await failed();
    const [second, third] = [retry(first), retry(first)];
    await payments.tell(second);
    await payments.settle(() => 'insufficient_funds');
    await payments.tell(third);
    const back = retry(first);
    await payments.tell(back);
    const [ofSecond, ofBack] = [retry(second.data.id, change), retry(back.data.id, change)];
    await payments.tell(ofSecond, ofBack);
    await payments.settle();
    const stoodBack = 'failed payment_retried';
    expect(await ends(third.data.id, back.data.id, ofSecond.data.id, ofBack.data.id)).toEqual([
      'succeeded',
      ...[stoodBack, stoodBack, stoodBack],
    ]);
  });

  it('and of retries of different retries in one batch one begins', async () => {
    const first = await failed();
    const second = retry(first);
    await payments.tell(second);
    await payments.settle(() => 'insufficient_funds');
    const [one, other] = [retry(second.data.id), retry(first)];
    await payments.tell(one, other);
    await payments.settle();
    expect(await ends(one.data.id, other.data.id)).toEqual(['succeeded', 'failed payment_retried']);
  });

  it('by one of fifty at once, and by the first of those in one batch', async () => {
    const [apart, together] = [await failed(), await failed()];
    const before = payments.ledger.booked(SOURCE, DESTINATION);
    const crowd = Array.from({ length: CROWD }, () => retry(apart, change));
    await Promise.all(crowd.map((one) => payments.tell(one)));
    const batch = Array.from({ length: CROWD }, () => retry(together, change));
    await payments.tell(...batch);
    await payments.tell(...batch);
    const begun = async (all: typeof crowd) =>
      (await ends(...all.map(({ data }) => data.id))).map((end) => end !== 'failed payment_retried');
    expect((await begun(crowd)).filter(Boolean)).toHaveLength(1);
    expect(await begun(batch)).toEqual([true, ...Array.from({ length: CROWD - 1 }, () => false)]);
    await payments.settle();
    expect(payments.ledger.booked(SOURCE, DESTINATION) - before).toBe(change === DIRECT ? 2_000n : 0n);
  });
});

it('has its place also where the retry of its retry had one of its own', async () => {
  const first = await failed();
  const second = retry(first);
  await payments.tell(second);
  await payments.settle(() => 'account_frozen');
  const third = retry(second.data.id);
  await payments.tell(third);
  await payments.settle();
  // As it was kept before.
  await payments.db.tamper(
    `update payment_retries set retry_id = typeid_uuid('${second.data.id}') where payment_id = typeid_uuid('${first}')`,
  );
  await payments.db.tamper(new PaymentRetriesOfRetries1764700000031().sql);
  const late = retry(first);
  await payments.tell(late);
  expect(await ends(third.data.id, late.data.id)).toEqual(['succeeded', 'failed payment_retried']);
});

it('is kept from beginning together with what is asked of it in the same batch', async () => {
  const first = await failed();
  const [again, late] = [retry(first), retry(first)];
  await payments.tell(again, late, payments.wish(late.data.id, 'cancellation'));
  await payments.settle();
  expect(await ends(again.data.id, late.data.id)).toEqual(['succeeded', 'failed payment_retried']);
  expect(await payments.operations(late.data.id)).toEqual(['cancellation failed payment_not_cancelable']);
});

it('comes twice, and stands back from nobody but itself', async () => {
  const again = retry(await failed());
  await payments.tell(again);
  await payments.tell(again);
  await payments.settle();
  expect(await ends(again.data.id)).toEqual(['succeeded']);
});

it('costs a batch without retries nothing, and one with any number of them one statement', async () => {
  const [one, other] = [await failed(), await failed()];
  const names = async (...commands: readonly AnyMessage[]) =>
    (await statementsOf(() => payments.tell(...commands))).filter((name) => name.includes('retries'));
  expect(await names(payments.create(DIRECT))).toEqual([]);
  expect(await names(retry(one), retry(other), payments.create(DIRECT))).toEqual(['payments.take-retries']);
  expect((await payments.db.database.rows<{ places: number }>(PLACES))[0]?.places).toBeGreaterThan(2);
  await payments.settle();
});
