import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { Messaging, type AnyOutgoing } from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import { testBroker } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DisputeSweeper } from './dispute-sweeper.js';
import { PaymentsUnderTest, TENANT, told } from './testing/payments-under-test.js';

configureLogging({ level: 'silent' });

const HOUR_MS = 3_600_000;
const SENT = statement(
  'spec.disputes-swept',
  `select m -> 'message' ->> 'id' as id, m ->> 'value' as value from outbox, json_array_elements(messages::json) as m
   where m -> 'message' ->> 'actor' = 'payments/dispute-sweeper' and m -> 'message' ->> 'subject' = $1 order by id`,
);
const LEG = statement('spec.disputes-leg', 'select leg from disputes where payment_id = $1');

let payments: PaymentsUnderTest;
let now_ms = 1;
let sweeper: DisputeSweeper;
let sweeperOf: (taken_max?: number) => DisputeSweeper;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
  const database = payments.db.database;
  const messaging = new Messaging({ broker: testBroker('unused'), database, partitions: 'single' });
  sweeperOf = (...taken_max) => new DisputeSweeper(database, messaging, 10_000, () => now_ms, ...taken_max);
  sweeper = sweeperOf();
});
afterAll(async () => {
  expect(await payments.closeWithBroken()).toEqual([]);
});

/** What the sweeper has said of the payment in a round, as the service hears it. */
async function swept(id: string): Promise<readonly AnyOutgoing[]> {
  const before = await payments.db.database.rows<{ value: string }>(SENT, [id]);
  await sweeper.sweep();
  const after = await payments.db.database.rows<{ value: string }>(SENT, [id]);
  const commands = after
    .slice(before.length)
    .map(({ value }) => payments.message('payflow.dispute.sweep.v1', JSON.parse(value) as never));
  return commands.length > 0 ? payments.tell(...commands) : [];
}
const legOf = async (id: string) => (await payments.db.database.rows(LEG, [uuidOf('payment', id)]))[0]?.['leg'];
const set = (table: string, column: string, id: string, change: string) =>
  payments.db.tamper(`update ${table} set ${change} where ${column} = '${uuidOf('payment', id)}'`);

const opened = (id: string) =>
  payments.message('payflow.payment.notice.v1', {
    ...{ id, connector: 'cards', notice: newId('event'), kind: 'dispute_opened', attempt: null },
    ...{ provider_reference: `dsp_${id}`, code: 'fraudulent', amount: '400', occurred_at: new Date().toISOString() },
  });

/** A sale that its provider has disputed and has not answered for, with what was taken for that. */
async function disputed(): Promise<string> {
  const create = payments.create({ method: { type: 'card', token: 'tok_visa' }, capture: 'automatic' });
  const { id } = create.data;
  await payments.tell(create);
  await payments.settle();
  const its = `payment_id = '${uuidOf('payment', id)}'`;
  await payments.noted('sending', its, `, connector = 'cards', sent_at = now()`);
  await payments.noted('unknown', its, ', unknown_at = now()');
  await payments.tell(opened(id));
  await payments.settle();
  expect(await legOf(id)).toBe('taken');
  return id;
}

describe('the sweeper of disputes', () => {
  it('gives back what was taken of a payment that a process ended which did not know of that', async () => {
    const id = await disputed();
    // The machine says so to itself; an older one did not.
    await payments.tell(await payments.answer(id, 'declined'));
    await payments.settle();
    expect(told(await swept(id))).toEqual([]);
    await set('payments', 'id', id, `updated_at = now() - interval '11 seconds'`);
    expect(told(await swept(id))).toEqual([]);
    now_ms += HOUR_MS;
    expect(told(await swept(id))).toEqual(['dispute.updated', 'transfer.post']);
    await payments.settle();
    expect(await legOf(id)).toBe('returned');
    now_ms += HOUR_MS;
    expect(await swept(id)).toEqual([]);
  });

  /** Ended by a process which did not know of its dispute. */
  async function endedInVain(): Promise<string> {
    const id = await disputed();
    await payments.tell(await payments.answer(id, 'declined'));
    await payments.settle();
    await set('payments', 'id', id, `updated_at = now() - interval '11 seconds'`);
    return id;
  }
  const commands = (id: string) => payments.db.database.rows<{ value: string }>(SENT, [id]);
  /** As the service hears what was said of it. */
  async function heard(id: string): Promise<void> {
    const [{ value = '' } = {}] = await commands(id);
    await payments.tell(payments.message('payflow.dispute.sweep.v1', JSON.parse(value) as never));
    await payments.settle();
    expect(await legOf(id)).toBe('returned');
  }

  it('looks again where that could not be looked for, and does the rest of its round all the same', async () => {
    const id = await endedInVain();
    const busy = sweeperOf();
    await payments.db.tamper('alter table payments rename to away');
    await busy.sweep().finally(() => payments.db.tamper('alter table away rename to payments'));
    await busy.sweep();
    expect(await commands(id)).toHaveLength(0);
    now_ms += 60_000;
    await busy.sweep();
    expect(await commands(id)).toHaveLength(1);
    await busy.sweep();
    expect(await commands(id)).toHaveLength(1);
    await heard(id);
  });

  it('looks again in the next round where there were as many as it takes at once', async () => {
    const ids = [await endedInVain(), await endedInVain()];
    const few = sweeperOf(1);
    const named = async () => (await Promise.all(ids.map(commands))).map(({ length }) => length);
    await few.sweep();
    const first = (await named()).indexOf(1);
    expect((await named()).toSorted()).toEqual([0, 1]);
    await heard(ids[first] as string);
    await few.sweep();
    expect(await named()).toEqual([1, 1]);
    await heard(ids[1 - first] as string);
  });

  it('says nothing behind the back of a payment that is parked', async () => {
    const id = await disputed();
    await payments.tell(await payments.answer(id, 'approved'));
    await payments.settle();
    await payments.tell(
      payments.message('payflow.payment.notice.v1', {
        ...opened(id).data,
        kind: 'dispute_won',
        notice: newId('event'),
      }),
    );
    payments.asked.splice(0);
    await set('disputes', 'payment_id', id, `swept_at = now() - interval '11 seconds'`);
    await payments.db.tamper(
      `insert into parked_subjects (consumer_group, tenant, record_key, state, error_class, error_message, attempts, topic, partition)
       values ('payments.commands', '${TENANT}', '${id}', 'parked', 'Error', 'spec', 1, 'payments.commands', 0)`,
    );
    expect(await swept(id)).toEqual([]);
    await payments.db.tamper('delete from parked_subjects');
    const [again] = await swept(id);
    expect(again).toMatchObject({ type: 'payflow.transfer.post.v1', resent: true });
    payments.asked.push({ ...(again as AnyOutgoing) });
    await payments.settle();
    expect(await legOf(id)).toBe('returned');
  });
});
