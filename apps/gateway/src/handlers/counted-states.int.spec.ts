import { newId, type MessageData } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../testing/stage.js';

const AT = '2026-11-21T12:00:00.000Z';
const COUNTED = statement(
  'spec.counted',
  `select coalesce(sum(messages), 0)::integer as messages from received_tallies where consumer_group = 'gateway.payments'`,
);

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

const counted = async () => (await stage.db.rows<{ messages: number }>(COUNTED))[0]?.messages;
const cause = () => ({ ...stage.client, livemode: false, traceparent: undefined });

function stateOf(id: string, version: number): MessageData['payflow.payment.updated.v1'] {
  return {
    ...{ id, version, status: 'succeeded', failure: null, reference: null, metadata: {}, method: { type: 'internal' } },
    ...{ amount: '50', asset: 'USD', amount_captured: '50', amount_refunded: `${version}`, accounts: [] },
    ...{ source: newId('account'), destination: newId('account'), created_at: AT, updated_at: AT },
  };
}

/** What an outbox whose publisher died sends: in any order, and again beside what is new. */
it('each state of a payment is counted once, also an older one that comes late, and again beside a newer', async () => {
  const id = newId('payment');
  const events = [1, 2, 3, 4, 5].map(() => newId('event'));
  const tell = (version: number) =>
    stage.house.publish('payflow.payment.updated.v1', stateOf(id, version), cause(), events[version - 1]);
  const refunded = (amount: number) =>
    until(`${amount} is refunded`, async () => {
      const { body } = await stage.client.get(`/api/v1/payments/${id}`);
      return body['amount_refunded'] === `${amount}`;
    });

  await tell(2);
  await refunded(2);
  await tell(1);
  await Promise.all([2, 1, 3, 2].map(tell));
  await refunded(3);
  await Promise.all([3, 5, 4, 3, 1].map(tell));
  await refunded(5);
  // Behind all of it on its partition.
  await stage.house.publish('payflow.payment.updated.v1', stateOf(id, 6), cause());
  await refunded(6);
  expect(await counted()).toBe(6);
});
