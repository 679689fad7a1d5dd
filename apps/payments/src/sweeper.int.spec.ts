import { uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { testBroker } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sweeper } from './sweeper.js';
import { PaymentsUnderTest, told } from './testing/payments-under-test.js';

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
