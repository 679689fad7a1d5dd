import { derivedUuid, fromUuid, isClientId, newId, ownUuid, uuidOf, type IdKind } from '@payflow/contracts';
import type { AnyOutgoing } from '@payflow/messaging';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DESTINATION, PaymentsUnderTest, SOURCE } from '../testing/payments-under-test.js';

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

describe('no id that a client could have given to something else is what the ledger is asked under', () => {
  const made: Readonly<Record<string, IdKind>> = {
    ...{ 'payflow.hold.place.v1': 'hold', 'payflow.hold.post.v1': 'transfer' },
    ...{ 'payflow.transfer.post.v1': 'transfer', 'payflow.group.post.v1': 'group' },
  };
  /** Names of what it is asked to make that a client could have given to something else. */
  const choosable = (sent: readonly AnyOutgoing[]) =>
    sent.flatMap(({ type, data }) => {
      const kind = made[type];
      if (kind === undefined) return [];
      const { id, legs = [] } = data as { readonly id: string; readonly legs?: readonly { readonly id: string }[] };
      const ids = [[kind, id] as const, ...legs.map((leg) => ['transfer', leg.id] as const)];
      return ids.filter(([of, each]) => isClientId(of, each)).map(([, each]) => `${type} ${each}`);
    });
  const card = { method: { type: 'card', token: 'tok_visa' } } as const;
  const fee = { kind: 'fee', account: newId('account'), amount: '100' } as const;
  const since = async (work: () => Promise<unknown>) => {
    const before = payments.sent.length;
    await work();
    return payments.sent.slice(before);
  };
  const ended = async (id: string) => {
    await payments.tell(await payments.answer(id, 'approved'));
    await payments.settle();
  };

  it('by an authorization, an increment, a capture or a refund', async () => {
    const sent = await since(async () => {
      const id = await payments.authorized(card);
      await payments.tell(payments.wish(id, 'increment'));
      await payments.settle();
      await ended(id);
      await payments.tell(payments.wish(id, 'capture', { amount: '1050' }));
      await ended(id);
      await payments.tell(payments.wish(id, 'refund'));
      await payments.settle();
      await ended(id);
      expect(await payments.row(id)).toMatchObject({ amount_refunded_minor: 1_050n });
    });
    expect(choosable(sent)).toEqual([]);
  });

  it('by a division, and by one that is tried again', async () => {
    const sent = await since(async () => {
      const id = await payments.authorized({ breakdown: [fee] });
      await payments.tell(payments.wish(id, 'capture'));
      await payments.settle(({ type }) => (type === 'payflow.group.post.v1' ? 'account_frozen' : undefined));
      await payments.tell(payments.message('payflow.payment.sweep.v1', { id }));
      await payments.settle();
      expect(payments.ledger.booked(DESTINATION, fee.account)).toBe(100n);
    });
    expect(choosable(sent)).toEqual([]);
  });

  it('by a settlement that is tried again', async () => {
    const sent = await since(async () => {
      const id = await payments.authorized();
      await payments.tell(payments.wish(id, 'capture'));
      await payments.settle(({ type }) => (type === 'payflow.hold.post.v1' ? 'account_frozen' : undefined));
      await payments.tell(payments.message('payflow.payment.sweep.v1', { id }));
      await payments.settle();
      expect(await payments.row(id)).toMatchObject({ status: 'succeeded' });
    });
    expect(choosable(sent)).toEqual([]);
  });

  it('by a dispute, there and back', async () => {
    const id = await payments.authorized({ ...card, capture: 'automatic' });
    await payments.settle();
    const notice = (kind: 'dispute_opened' | 'dispute_won') =>
      payments.message('payflow.payment.notice.v1', {
        ...{ id, connector: 'cards', notice: newId('event'), kind, attempt: null, provider_reference: `dsp_${id}` },
        ...{ code: null, amount: '40', occurred_at: new Date().toISOString() },
      });
    const sent = await since(async () => {
      await payments.tell(notice('dispute_opened'));
      await payments.settle();
      await payments.tell(notice('dispute_won'));
      await payments.settle();
    });
    expect(sent.filter(({ type }) => type === 'payflow.transfer.post.v1')).toHaveLength(2);
    expect(choosable(sent)).toEqual([]);
  });

  it('but by what is booked at once: a transfer with the id of the payment, or of its refund', async () => {
    const create = payments.create({ capture: 'automatic' });
    const refund = payments.wish(create.data.id, 'refund');
    const sent = await since(async () => {
      await payments.tell(create);
      await payments.settle();
      await payments.tell(refund);
      await payments.settle();
    });
    const { operation } = refund.data as { readonly operation: string };
    const ids = [uuidOf('payment', create.data.id), uuidOf('refund', operation)];
    expect(choosable(sent)).toEqual(ids.map((uuid) => `payflow.transfer.post.v1 ${fromUuid('transfer', uuid)}`));
  });
});

it('what was set aside by an older version goes on under the id that it has', async () => {
  const id = await payments.authorized();
  const [hold = ''] = [...payments.ledger.holds.keys()].slice(-1);
  const older = fromUuid('hold', derivedUuid(uuidOf('payment', id), 'take'));
  payments.ledger.holds.set(older, payments.ledger.holds.get(hold) as never);
  payments.ledger.holds.delete(hold);
  await payments.db.tamper(
    `update ledger_steps set hold_id = '${uuidOf('hold', older)}', command = replace(command::text, '${hold}', '${older}')::json
       where payment_id = '${uuidOf('payment', id)}'`,
  );
  const moved = payments.ledger.booked(SOURCE, DESTINATION);
  await payments.tell(payments.wish(id, 'capture', { amount: '600', final: true }));
  await payments.settle();
  expect(payments.ledger.holds.get(older)).toMatchObject({ status: 'posted', posted: 600n });
  expect(payments.ledger.booked(SOURCE, DESTINATION) - moved).toBe(600n);
  expect(await payments.row(id)).toMatchObject({ status: 'succeeded' });
});
