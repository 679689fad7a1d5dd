import { afterAll, beforeAll, expect, it } from 'vitest';
import { PaymentsUnderTest, told } from '../testing/payments-under-test.js';

const DAY_MS = 86_400_000;

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(() => payments.close());

it('a payment is authorized for as long as it is at its provider, however late that is heard of', async () => {
  const heard = async (days: number) => {
    const create = payments.create({ method: { type: 'card', token: 'tok_visa' } });
    await payments.tell(create);
    await payments.settle();
    const authorized_at = new Date(Date.now() - days * DAY_MS).toISOString();
    const messages = await payments.tell(await payments.answer(create.data.id, 'approved', { authorized_at }));
    const { authorized_until: until } = messages[0]?.data as { authorized_until: string };
    const days_left = (Date.parse(until) - Date.now()) / DAY_MS;
    return { messages: told(messages), days: days_left, operations: await payments.operations(create.data.id) };
  };
  const late = await heard(5);
  expect(late.messages).toEqual(['payment.authorized']);
  expect(late.days).toBeGreaterThan(1.9);
  expect(late.days).toBeLessThan(2.01);
  // Over by then, it ends at once.
  const over = await heard(8);
  expect(over.messages).toEqual(['payment.authorized']);
  expect(over.operations).toEqual(['authorization 1000 succeeded', 'expiry asking']);
  // A clock that was set back makes it no longer.
  expect((await heard(-1)).days).toBeLessThan(7.01);
});

it('nor for longer where a cancellation was on its way then, and is refused days later', async () => {
  const authorized_at = new Date(Date.now() - 5 * DAY_MS).toISOString();
  const { approval, refusal } = await payments.actedWhileCalledOff('manual', { authorized_at });
  expect(told(await payments.tell(approval))).toEqual([]);
  const messages = await payments.tell(refusal);
  expect(told(messages)).toEqual([
    'cancellation.failed payment_not_cancelable of requires_action',
    'payment.authorized',
  ]);
  const { authorized_until: until } = messages[1]?.data as { authorized_until: string };
  expect((Date.parse(until) - Date.now()) / DAY_MS).toBeLessThan(2.01);
});
