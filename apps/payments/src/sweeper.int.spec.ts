import { newId, uuidOf, type PaymentCreate } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { testBroker } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reviewOf } from './limits/review.repository.js';
import { Sweeper } from './sweeper.js';
import { PaymentsUnderTest, TENANT, told } from './testing/payments-under-test.js';

const SENT = statement(
  'spec.swept',
  `select m -> 'message' ->> 'type' as type, m -> 'message' ->> 'subject' as subject from outbox, json_array_elements(messages::json) as m
   where m -> 'message' ->> 'actor' = 'payments/sweeper' order by created_at`,
);

let payments: PaymentsUnderTest;
let sweeper: Sweeper;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
  const database = payments.db.database;
  sweeper = new Sweeper(database, new Messaging({ broker: testBroker('unused'), database, partitions: 'single' }));
});
afterAll(() => payments.close());

const set = (table: string, id: string, change: string, column = 'id') =>
  payments.db.tamper(`update ${table} set ${change} where ${column} = '${uuidOf('payment', id)}'`);

async function created(change: Partial<PaymentCreate> = {}) {
  const create = payments.create(change);
  await payments.tell(create);
  return create;
}

async function sweptFor(id: string): Promise<string[]> {
  await sweeper.sweep();
  const rows = await payments.db.database.rows(SENT);
  return rows.filter(({ subject }) => subject === id).map(({ type }) => type as string);
}

describe('the sweeper', () => {
  it('has a step that was not answered sent again, byte for byte and under the same id', async () => {
    const create = payments.create();
    const { id } = create.data;
    const [asked] = await payments.tell(create);
    expect(await sweptFor(id)).toEqual([]);
    await set('ledger_steps', id, `updated_at = now() - interval '11 seconds'`, 'payment_id');
    expect(await sweptFor(id)).toEqual(['payflow.payment.sweep.v1']);
    expect(await sweptFor(id)).toHaveLength(1);
    const [again] = await payments.tell(payments.message('payflow.payment.sweep.v1', { id }));
    expect(again).toMatchObject({ id: asked?.id, type: 'payflow.hold.place.v1', resent: true });
    expect(again?.json).toBe(JSON.stringify(asked?.data));
    expect(told(await payments.settle())).toEqual(['payment.authorized']);
  });

  it('has a payment whose authorization is over end, and give back what is held', async () => {
    const id = await payments.authorized();
    expect(await sweptFor(id)).toEqual([]);
    expect(told(await payments.tell(payments.expire(id)))).toEqual([]);
    await set('payments', id, `authorized_until = now() - interval '1 second'`);
    expect(await sweptFor(id)).toEqual(['payflow.payment.expire.v1']);
    expect(await sweptFor(id)).toHaveLength(1);
    expect(told(await payments.tell(payments.wish(id, 'capture')))).toEqual([
      'capture.failed payment_not_capturable of authorized',
    ]);
    expect(told(await payments.tell(payments.expire(id), payments.expire(id)))).toEqual(['hold.void']);
    expect(told(await payments.settle())).toEqual(['payment.expired']);
  });

  it('has tried again what waits for a person, after some time', async () => {
    const id = await payments.authorized();
    await payments.tell(payments.wish(id, 'capture'));
    await payments.settle(() => 'account_frozen');
    expect(await sweptFor(id)).toEqual([]);
    await set('payment_operations', id, `updated_at = now() - interval '301 seconds'`, 'payment_id');
    expect(await sweptFor(id)).toEqual(['payflow.payment.sweep.v1']);
    expect(await sweptFor(id)).toHaveLength(1);
  });

  it('ends one that nobody has confirmed', async () => {
    const create = payments.create({ confirm: false });
    const { id } = create.data;
    await payments.tell(create);
    await set('payments', id, `expires_at = now() - interval '1 second'`);
    expect(await sweptFor(id)).toEqual(['payflow.payment.expire.v1']);
    expect(told(await payments.tell(payments.expire(id)))).toEqual(['payment.expired']);
    expect(await sweptFor(id)).toHaveLength(1);
  });

  it('need not come again for an end that an operation was in the way of: it begins with the end of that', async () => {
    const id = await payments.authorized({ method: { type: 'card', token: 'tok_visa' }, capture: 'manual_multiple' });
    await payments.tell(payments.wish(id, 'capture', { amount: '10', final: false }));
    await payments.tell(payments.wish(id, 'capture', { amount: '20', final: false }));
    await set('payments', id, `authorized_until = now() - interval '1 hour'`);
    expect(await sweptFor(id)).toEqual(['payflow.payment.expire.v1']);
    expect(told(await payments.tell(payments.expire(id)))).toEqual([]);
    expect(told(await payments.tell(await payments.answer(id, 'declined')))).toEqual([
      'capture.failed card_declined of authorized',
      'capture.failed payment_not_capturable of authorized',
    ]);
    expect((await payments.operations(id)).at(-1)).toBe('expiry asking');
    expect(told(await payments.tell(await payments.answer(id, 'not_sent')))).toEqual([]);
    expect((await payments.operations(id)).at(-1)).toBe('expiry failed provider_not_reached');
  });

  it('asks again for an end that the provider would not give', async () => {
    const id = await payments.authorized({ method: { type: 'card', token: 'tok_visa' } });
    await set('payments', id, `authorized_until = now() - interval '1 second'`);
    await sweptFor(id);
    await payments.tell(payments.expire(id));
    expect(told(await payments.tell(await payments.answer(id, 'not_sent')))).toEqual([]);
    expect(await payments.operations(id)).toContain('expiry failed provider_not_reached');
    await set('payments', id, `swept_at = now() - interval '21 seconds'`);
    expect(await sweptFor(id)).toHaveLength(2);
    await payments.tell(payments.expire(id));
    expect(told(await payments.tell(await payments.answer(id, 'approved')))).toEqual(['hold.void']);
    expect(told(await payments.settle())).toEqual(['payment.expired']);
  });

  it.each<[what: string, lateOne: () => Promise<string>]>([
    [
      'waits for the ledger',
      async () => {
        const { data } = await created({ capture: 'automatic' });
        await set('payments', data.id, `updated_at = now() - interval '11 seconds'`);
        return data.id;
      },
    ],
    [
      'has a step that was not answered',
      async () => {
        const { data } = await created();
        await set('ledger_steps', data.id, `updated_at = now() - interval '11 seconds'`, 'payment_id');
        return data.id;
      },
    ],
    [
      'waits for a person',
      async () => {
        const id = await payments.authorized();
        await payments.tell(payments.wish(id, 'capture'));
        await payments.settle(() => 'account_frozen');
        await set('payment_operations', id, `updated_at = now() - interval '301 seconds'`, 'payment_id');
        return id;
      },
    ],
    [
      'was not captured in its time',
      async () => {
        const id = await payments.authorized();
        await set('payments', id, `authorized_until = now() - interval '1 second'`);
        return id;
      },
    ],
    [
      'was not confirmed in its time',
      async () => {
        const { data } = await created({ confirm: false });
        await set('payments', data.id, `expires_at = now() - interval '1 second'`);
        return data.id;
      },
    ],
    [
      'was not looked at in its time',
      async () => {
        const [id, conditions] = [newId('riskRule'), { asset: ['EUR'] }];
        const terms = {
          id,
          priority: 1,
          verdict: 'review',
          reason: 'looks_odd',
          enabled: true,
          if_version: null,
        } as const;
        await payments.tell(payments.message('payflow.risk_rule.define.v1', { ...terms, conditions }));
        const { data } = await created({ asset: 'EUR' });
        await set('reviews', data.id, `expires_at = now() - interval '1 second'`);
        return data.id;
      },
    ],
  ])(
    'says nothing behind the back of a parked payment that %s, and all of it when it is let go',
    async (_, lateOne) => {
      const id = await lateOne();
      await payments.db.tamper(
        `insert into parked_subjects (consumer_group, tenant, record_key, state, error_class, error_message, attempts, topic, partition)
       values ('payments.commands', '${TENANT}', '${id}', 'parked', 'Error', 'spec', 1, 'payments.commands', 0)`,
      );
      const both = async () => [...(await sweptFor(id)), ...(await sweptFor(reviewOf(id)))];
      expect(await both()).toEqual([]);
      await payments.db.tamper('delete from parked_subjects');
      expect(await both()).toHaveLength(1);
    },
  );

  it('asks less and less often for an end that the provider does not give', async () => {
    const id = await payments.authorized({ method: { type: 'card', token: 'tok_visa' } });
    const over = (since: string, swept: string) =>
      set('payments', id, `authorized_until = now() - interval '${since}', swept_at = now() - interval '${swept}'`);
    await over('1 minute', '21 seconds');
    expect(await sweptFor(id)).toHaveLength(1);
    await over('1 hour', '7 minutes');
    expect(await sweptFor(id)).toHaveLength(1);
    await over('1 hour', '8 minutes');
    expect(await sweptFor(id)).toHaveLength(2);
    await over('90 days', '7 hours');
    expect(await sweptFor(id)).toHaveLength(3);
    const unconfirmed = payments.create({ confirm: false });
    await payments.tell(unconfirmed);
    await set(
      'payments',
      unconfirmed.data.id,
      `expires_at = now() - interval '1 hour', swept_at = now() - interval '7 minutes'`,
    );
    expect(await sweptFor(unconfirmed.data.id)).toEqual([]);
  });
});
