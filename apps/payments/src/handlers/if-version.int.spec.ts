import { afterAll, beforeAll, expect, it } from 'vitest';
import { PaymentsUnderTest, told } from '../testing/payments-under-test.js';

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(() => payments.close());

it.each(['capture', 'cancellation', 'increment'] as const)(
  'a %s is refused where the payment is at another version than was asked for, whoever has changed it',
  async (kind) => {
    const id = await payments.authorized({ method: { type: 'card', token: 'tok_visa' } });
    const version = Number((await payments.row(id))['version']);
    expect(told(await payments.tell(payments.wish(id, kind, { if_version: version - 1 })))).toEqual([
      `${kind}.failed version_differs of authorized`,
    ]);
    expect(Number((await payments.row(id))['version'])).toBe(version);
    expect(told(await payments.tell(payments.wish(id, kind, { if_version: version })))).not.toContain(
      `${kind}.failed version_differs of authorized`,
    );
  },
);

it('what was asked of a version that is not there again, since the database was set back, waits for its turn', async () => {
  const create = payments.create({ capture: 'manual', method: { type: 'card', token: 'tok_visa' } });
  const capture = payments.wish(create.data.id, 'capture', { if_version: 1 });
  await payments.tell(create, capture);
  await payments.settle();
  await payments.tell(await payments.answer(create.data.id, 'approved'));
  await payments.settle();
  await payments.tell(await payments.answer(create.data.id, 'approved'));
  await payments.settle();
  expect((await payments.operations(create.data.id)).at(-1)).toBe('capture 1000 succeeded');
});
