import { derivedUuid, fromUuid, ownUuid, uuidOf } from '@payflow/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PaymentsUnderTest } from '../testing/payments-under-test.js';

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(() => payments.close());

it('an operation whose id was derived of a payment as its authorization’s might be is one like any other', async () => {
  const create = payments.create({ capture: 'manual' });
  const { id } = create.data;
  const operation = fromUuid('refund', derivedUuid(uuidOf('payment', id), 'authorization'));
  const other = await payments.authorized();
  await payments.tell(payments.wish(other, 'refund', { operation }));
  expect((await payments.operations(other)).at(-1)).toBe('refund failed payment_not_refundable');
  await payments.tell(create);
  await payments.settle();
  expect(await payments.row(id)).toMatchObject({ status: 'authorized' });
});

it('what would be written over an operation of another payment is written nowhere', async () => {
  const create = payments.create({ capture: 'manual' });
  const operation = fromUuid('refund', ownUuid(uuidOf('payment', create.data.id), 'authorization'));
  await payments.tell(payments.wish(await payments.authorized(), 'refund', { operation }));
  await expect(payments.tell(create)).rejects.toThrow('not as they were read');
  expect(await payments.row(create.data.id)).toBeUndefined();
});
