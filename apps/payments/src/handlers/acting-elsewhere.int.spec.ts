import { uuidOf } from '@payflow/contracts';
import { configureLogging } from '@payflow/telemetry';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PaymentsUnderTest, told } from '../testing/payments-under-test.js';

configureLogging({ level: 'silent' });

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(() => payments.close());

it('a payment waits for its customer at another provider when the first cannot go on with it', async () => {
  const create = payments.create({ capture: 'automatic', method: { type: 'card', token: 'tok_visa' } });
  const { id } = create.data;
  await payments.tell(create);
  await payments.settle();
  await payments.tell(await payments.answer(id, 'requires_action'));
  const url = 'https://other.example/act';
  const elsewhere = { connector: 'cards_b', provider_reference: 'auth_2', url };
  const moved = await payments.answer(id, 'requires_action', elsewhere);
  const [event, ...more] = await payments.tell(moved);
  expect(more).toEqual([]);
  expect(event).toMatchObject({
    type: 'payflow.payment.updated.v1',
    aggregateVersion: 2,
    data: { status: 'requires_action', version: 2, next_action: { type: 'redirect', url } },
  });
  expect(told(await payments.tell(moved))).toEqual([]);
  expect(await payments.row(id)).toMatchObject({ connector: 'cards_b', provider_reference: 'auth_2' });
  // It comes again, or only now, whatever the clocks of those who tell it say: the attempt is with the other provider by then.
  await payments.noted('requires_action', `payment_id = '${uuidOf('payment', id)}'`, `, connector = 'cards_b'`);
  const late = await payments.answer(id, 'requires_action', { connector: 'cards', provider_reference: 'auth_1' });
  expect(told(await payments.tell(late))).toEqual([]);
  expect(await payments.row(id)).toMatchObject({ connector: 'cards_b', provider_reference: 'auth_2' });
  expect(await payments.transitions(id)).toEqual(['processing requires_action', 'requires_action requires_action']);
  await payments.tell(await payments.answer(id, 'approved', { ...elsewhere, url: null }));
  expect(told(await payments.settle())).toEqual(['payment.succeeded']);
});
