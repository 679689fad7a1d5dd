import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { testBroker } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reviewOf } from './limits/review.repository.js';
import { Sweeper } from './sweeper.js';
import { PaymentsUnderTest, TENANT, told } from './testing/payments-under-test.js';

const DAY_MS = 86_400_000;
const SENT = statement(
  'spec.swept-of-test',
  `select m -> 'message' ->> 'type' as type from outbox, json_array_elements(messages::json) as m
   where m -> 'message' ->> 'actor' = 'payments/sweeper' and m -> 'message' ->> 'subject' = $1 order by created_at`,
);
const UNTIL = statement('spec.authorized-until', 'select authorized_until as at from payments where id = $1');

let payments: PaymentsUnderTest;
let sweeper: Sweeper;
let version = 0;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
  const database = payments.db.database;
  sweeper = new Sweeper(database, new Messaging({ broker: testBroker('unused'), database, partitions: 'single' }));
});
afterAll(() => payments.close());

const travel = (days: number, space = TENANT) =>
  payments.tell(
    payments.message('payflow.payments_clock.set.v1', { id: space, version: ++version, ahead_ms: days * DAY_MS }),
  );

async function sweptFor(subject: string): Promise<unknown[]> {
  await sweeper.sweep();
  return (await payments.db.database.rows(SENT, [subject])).map(({ type }) => type);
}

describe('the test clock of a space', () => {
  it('says that it was moved', async () => {
    expect(told(await travel(0))).toEqual(['payments_clock.moved']);
  });

  it('ends an authorization whose time it has passed, and what comes after it has its own', async () => {
    const id = await payments.authorized();
    await travel(8, newId('tenant'));
    expect(await sweptFor(id)).toEqual([]);
    expect(told(await payments.tell(payments.expire(id)))).toEqual([]);
    await travel(8);
    expect(await sweptFor(id)).toEqual(['payflow.payment.expire.v1']);
    expect(await sweptFor(id)).toHaveLength(1);
    expect(told(await payments.tell(payments.wish(id, 'capture')))).toEqual([
      'capture.failed payment_not_capturable of authorized',
    ]);
    expect(told(await payments.tell(payments.expire(id)))).toEqual(['hold.void']);
    expect(told(await payments.settle())).toEqual(['payment.expired']);

    const later = await payments.authorized();
    expect(await sweptFor(later)).toEqual([]);
    const [row] = await payments.db.database.rows<{ at: Date }>(UNTIL, [uuidOf('payment', later)]);
    expect(row?.at.getTime()).toBeGreaterThan(Date.now() + 14 * DAY_MS);
    expect(told(await payments.tell(payments.wish(later, 'capture')))).not.toContain('capture.failed');
    await travel(0);
  });

  it('ends a payment that nobody has confirmed', async () => {
    const create = payments.create({ confirm: false });
    const { id } = create.data;
    await payments.tell(create);
    expect(await sweptFor(id)).toEqual([]);
    await travel(20);
    expect(await sweptFor(id)).toEqual(['payflow.payment.expire.v1']);
    expect(told(await payments.tell(payments.expire(id)))).toEqual(['payment.expired']);
    await travel(0);
  });

  it('ends a payment that nobody has looked at, and it can be approved no more', async () => {
    const terms = {
      id: newId('riskRule'),
      priority: 1,
      verdict: 'review',
      reason: 'looks_odd',
      enabled: true,
    } as const;
    const conditions = { asset: ['EUR'] };
    await payments.tell(payments.message('payflow.risk_rule.define.v1', { ...terms, conditions, if_version: null }));
    const create = payments.create({ asset: 'EUR' });
    const { id } = create.data;
    expect(told(await payments.tell(create))).toEqual(['review.opened']);
    const decide = (decision: 'approve' | 'expire') =>
      payments.message('payflow.review.decide.v1', { id: reviewOf(id), payment: id, decision, reason: 'seen' });
    expect(told(await payments.tell(decide('expire')))).toEqual([]);
    await travel(20);
    expect(await sweptFor(reviewOf(id))).toEqual(['payflow.review.decide.v1']);
    expect(told(await payments.tell(decide('approve')))).toEqual(['review.rejected']);
    expect(told(await payments.tell(decide('expire')))).toEqual(['review.decided', 'payment.failed review_expired']);
    await travel(0);
  });
});
