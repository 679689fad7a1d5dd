import { fromUuid, uuidOf } from '@payflow/contracts';
import { configureLogging } from '@payflow/telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PaymentsUnderTest, told } from '../testing/payments-under-test.js';

configureLogging({ level: 'silent' });

const CARD = { method: { type: 'card', token: 'tok_visa' }, capture: 'automatic' } as const;

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(async () => {
  expect(await payments.closeWithBroken()).toEqual([]);
});

/** A sale that waits for its customer, and the attempt that asks for it. */
async function acting(reference: string | null): Promise<{ id: string; sale: string }> {
  const create = payments.create(CARD);
  const { id } = create.data;
  await payments.tell(create);
  await payments.settle();
  const sale = fromUuid('attempt', (await payments.attempt(id))?.['id'] as string);
  await payments.tell(await payments.answer(id, 'requires_action', { provider_reference: reference }));
  await noted(id, 'requires_action');
  await payments.db.tamper(`delete from graphile_worker._private_jobs`);
  return { id, sale };
}

const noted = (id: string, status: string) =>
  payments.noted(
    status,
    `payment_id = '${uuidOf('payment', id)}' and action = 'sale'`,
    `, connector = 'cards', sent_at = now()`,
  );

describe('where a provider took the money and its payment is called off before that is heard', () => {
  it('the worker is to look at the sale, at which nobody else would', async () => {
    const { id, sale } = await acting(null);
    const answer = await payments.answer(id, 'approved');
    await noted(id, 'approved');
    const messages = await payments.tell(payments.wish(id, 'cancellation'));
    expect(told([...messages, ...(await payments.settle())])).toContain('payment.canceled');
    expect(await payments.jobs(sale)).toEqual(['provider.inquire']);
    expect(await payments.tell(answer)).toEqual([]);
  });

  it('nor where it was heard while the end was asked for, and the end was given', async () => {
    const { id, sale } = await acting('auth_1');
    const answer = await payments.answer(id, 'approved');
    await payments.tell(payments.wish(id, 'cancellation'));
    await noted(id, 'approved');
    await payments.tell(answer);
    await payments.db.tamper(`delete from graphile_worker._private_jobs`);
    await payments.tell(await payments.answer(id, 'approved'));
    await payments.settle();
    expect(await payments.row(id)).toMatchObject({ status: 'canceled' });
    expect(await payments.jobs(sale)).toEqual(['provider.inquire']);
  });

  it('it is asked about where it has told of nothing', async () => {
    const { id, sale } = await acting(null);
    await payments.tell(payments.wish(id, 'cancellation'));
    await payments.settle();
    expect(await payments.jobs(sale)).toEqual(['provider.inquire']);
  });

  it('nor is there anything to look at where it has declined', async () => {
    const { id, sale } = await acting(null);
    await noted(id, 'declined');
    await payments.tell(payments.wish(id, 'cancellation'));
    await payments.settle();
    expect(await payments.jobs(sale)).toEqual([]);
  });
});
