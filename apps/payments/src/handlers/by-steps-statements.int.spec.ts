import type { AnyMessage } from '@payflow/contracts';
import { statementsOf } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PaymentsUnderTest } from '../testing/payments-under-test.js';
import type { LedgerVerdict } from '../testing/played-ledger.js';

const CARD = { method: { type: 'card', token: 'tok_visa' } } as const;
const MANY = 20;
/** Of payments alone, whatever is asked of them; of everything together, see `mixed-batches.int.spec.ts`. */
const STATEMENTS_MAX = 6;

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(() => payments.close());

/** The statements of a handler's batch: those of the outbox are not its own. */
async function costOf(
  batch: readonly AnyMessage[],
  tell: (batch: readonly never[]) => Promise<unknown>,
): Promise<string[]> {
  const names = await statementsOf(() => tell(batch as never));
  return names.filter((name) => !name.startsWith('outbox.'));
}
const take = (batch: readonly AnyMessage[]) => costOf(batch, (all) => payments.tell(...all));
const hear = (batch: readonly LedgerVerdict[]) => costOf(batch, (all) => payments.hear(...all));
const times = <T>(make: () => T): T[] => Array.from({ length: MANY }, make);
const verdicts = () => payments.asked.splice(0).map((command) => payments.ledger.answer(command));

describe('a batch costs the same statements for one payment by steps and for many', () => {
  it('when they are taken in, and the ledger answers', async () => {
    const one = await take([payments.create(CARD)]);
    expect(one).toEqual(['payments.insert-more', 'lives.save']);
    const heard = await hear(verdicts());
    expect(heard).toEqual(['lives.lock', 'lives.load', 'lives.save', 'jobs.enqueue']);
    expect(await take(times(() => payments.create(CARD)))).toEqual(one);
    expect(await hear(verdicts())).toEqual(heard);
  });

  it('when something is asked of them', async () => {
    const ids = await Promise.all(
      times(() => payments.create({ capture: 'automatic' })).map(async (create) => {
        await payments.tell(create);
        return create.data.id;
      }),
    );
    await payments.settle();
    const one = await take([payments.wish(ids[0] as string, 'refund', { amount: '1' })]);
    expect(one).toEqual(['lives.lock', 'lives.load', 'lives.save']);
    expect(await take(ids.map((id) => payments.wish(id, 'refund', { amount: '1' })))).toEqual(one);
    expect(await hear(verdicts())).toEqual(one);
  });

  it('and six at most, whatever is asked', async () => {
    const known = payments.create({ capture: 'automatic' });
    await payments.tell(known);
    await payments.settle();
    const manual = await payments.authorized();
    const card = await payments.authorized(CARD);
    const waiting = payments.create(CARD);
    await payments.tell(waiting);
    await payments.settle();
    const swept = payments.create();
    await payments.tell(swept);
    const mixed = [
      known,
      payments.create({ capture: 'automatic' }),
      payments.create(CARD),
      payments.create({ confirm: false }),
      payments.wish(known.data.id, 'refund', { amount: '1' }),
      payments.wish(manual, 'increment'),
      payments.wish(manual, 'capture'),
      payments.wish(card, 'cancellation'),
      await payments.answer(waiting.data.id, 'approved'),
      payments.expire(manual),
      payments.message('payflow.payment.sweep.v1', { id: swept.data.id }),
    ];
    const cost = await take(mixed);
    expect(cost.length).toBeLessThanOrEqual(STATEMENTS_MAX);
    expect(cost).toContain('jobs.enqueue');
    const direct = payments.create({ capture: 'automatic' });
    await payments.tell(direct, payments.wish(direct.data.id, 'cancellation'), payments.create(CARD));
    expect((await hear(verdicts())).length).toBeLessThanOrEqual(STATEMENTS_MAX);
  });
});
