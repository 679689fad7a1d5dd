import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PaymentsUnderTest } from '../testing/payments-under-test.js';

const CARD = { method: { type: 'card', token: 'tok_visa' } } as const;

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(() => payments.close());

/** A card payment of which a part is captured, and a wish that its provider has been asked about. */
async function asking(
  kind: 'refund' | 'capture',
  status: 'unknown' | 'sending',
): Promise<[id: string, attempt: string]> {
  const id = await payments.authorized({ ...CARD, capture: 'manual_multiple' });
  await payments.tell(payments.wish(id, 'capture', { amount: '700', final: false }));
  await payments.tell(await payments.answer(id, 'approved'));
  await payments.settle();
  await payments.tell(payments.wish(id, kind, { amount: '100' }));
  await payments.settle();
  const { attempt } = (await payments.answer(id, 'approved')).data;
  await payments.db.tamper(
    `update attempts set status = '${status}', connector = 'cards' where id = typeid_uuid('${attempt}')`,
  );
  return [id, attempt];
}

describe('before anything else is asked of a payment, its provider is asked about what is not known', () => {
  it.each([
    ['refund', 'refund'],
    ['refund', 'capture'],
    ['refund', 'cancellation'],
    ['capture', 'refund'],
    ['capture', 'capture'],
  ] as const)('a %s, when a %s is asked for', async (unknown, next) => {
    const [id, attempt] = await asking(unknown, 'unknown');
    expect(await payments.jobs(attempt)).not.toContain('provider.inquire');
    await payments.tell(payments.wish(id, next, next === 'cancellation' ? {} : { amount: '50' }));
    expect(await payments.jobs(attempt)).toContain('provider.inquire');
  });

  it('and not about a refund whose answer is on its way', async () => {
    const [id, attempt] = await asking('refund', 'sending');
    await payments.tell(payments.wish(id, 'refund', { amount: '50' }));
    expect(await payments.jobs(attempt)).not.toContain('provider.inquire');
  });
});
