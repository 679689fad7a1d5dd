import {
  fromUuid,
  newId,
  uuidOf,
  type AnyMessage,
  type InvariantName,
  type MessageData,
  type MessageType,
} from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { Messaging, type Handled } from '@payflow/messaging';
import { createTestDatabase, testBroker, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LedgerVerdictsHandler } from '../handlers/ledger-verdicts.handler.js';
import { PaymentCommandsHandler } from '../handlers/payment-commands.handler.js';
import { invariants, migrations } from './index.js';

const tenant = newId('tenant');
const [source, destination] = [newId('account'), newId('account')];
const DAY_MS = 86_400_000;
const now = new Date();

function message<T extends MessageType>(type: T, data: MessageData[T], causationId: string): AnyMessage<T> {
  const id = newId('event');
  const context = {
    tenant,
    livemode: false,
    key: id,
    aggregateVersion: 0,
    causationId,
    correlationId: id,
    actor: 'spec',
    time: now.toISOString(),
  };
  return {
    id,
    type,
    data,
    subject: id,
    ...context,
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: undefined,
  } as unknown as AnyMessage<T>;
}

const create = (id: string, metadata: Record<string, string> = {}) =>
  message(
    'payflow.payment.create.v1',
    {
      id,
      sequence: 1,
      source,
      destination,
      amount: '1999',
      asset: 'USD',
      method: { type: 'internal' },
      capture: 'automatic',
      reference: null,
      metadata,
      created_at: now.toISOString(),
      expires_at: new Date(now.getTime() + DAY_MS).toISOString(),
    },
    newId('event'),
  );

const refused = (payment: string, ledgerCommandId: string) => {
  const id = fromUuid('transfer', uuidOf('payment', payment));
  const data = { id, payment, debit_account: source, credit_account: destination, amount: '1999', asset: 'USD' };
  return message(
    'payflow.transfer.rejected.v1',
    { ...data, reason: 'insufficient_funds', recorded_at: now.toISOString() },
    ledgerCommandId,
  );
};

const named = (name: InvariantName) => invariants.find((one) => one.name === name) as Invariant;

describe("the payments service's invariants", () => {
  let db: TestDatabase;
  let admin: Client;
  let messaging: Messaging;
  const commands = new PaymentCommandsHandler();
  const verdicts = new LedgerVerdictsHandler();

  beforeAll(async () => {
    db = await createTestDatabase('payments', migrations);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
    admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    await admin.query('set session_replication_role = replica');
    // Never started: rows are staged as always, and stay in the outbox.
    messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  });
  afterAll(async () => {
    await admin.end();
    await db.drop();
  });

  async function apply(handle: (tx: Transaction) => Promise<Handled>): Promise<Handled> {
    return db.database.transaction(async (tx) => {
      const handled = await handle(tx);
      await messaging.outbox.stage(tx, handled.messages, () => undefined);
      return handled;
    });
  }

  async function pay(metadata?: Record<string, string>): Promise<{ id: string; ledgerCommandId: string }> {
    const id = newId('payment');
    const { messages } = await apply((tx) => commands.handle([create(id, metadata)], tx));
    return { id, ledgerCommandId: messages[0]?.id ?? '' };
  }

  async function sample(name: InvariantName): Promise<string> {
    const running = (await checkInvariant(db.database, named(name), 'running')).sample;
    expect((await checkInvariant(db.database, named(name), 'full')).sample).toEqual(running);
    return running.join('; ');
  }

  it('hold on a payment that waits, one that ended, and one that was swept', async () => {
    await pay();
    const ended = await pay();
    await apply((tx) => verdicts.handle([refused(ended.id, ended.ledgerCommandId)], tx));
    const waiting = await pay();
    await apply((tx) => commands.handle([message('payflow.payment.sweep.v1', { id: waiting.id }, newId('event'))], tx));
    for (const { name } of invariants.filter(({ name }) => name !== 'I19')) expect(await sample(name), name).toBe('');
  });

  it('I15 sees a payment past its deadline, and one that nobody sweeps, unless it is parked', async () => {
    const { id } = await pay();
    const uuid = uuidOf('payment', id);
    await admin.query(`update payments set expires_at = now() - interval '31 seconds' where id = '${uuid}'`);
    expect(await sample('I15')).toBe(`payments/${uuid} is past its deadline`);
    await admin.query(
      `update payments set expires_at = now() + interval '1 day', updated_at = now() - interval '41 seconds' where id = '${uuid}'`,
    );
    expect(await sample('I15')).toBe(`payments/${uuid} is not swept`);
    await admin.query(
      `insert into parked_subjects (consumer_group, tenant, record_key, state, error_class, error_message, attempts, topic, partition)
       values ('payments.commands', $1, $2, 'parked', 'spec', 'spec', 1, 'payments.commands.v1', 0)`,
      [tenant, id],
    );
    expect(await sample('I15')).toBe('');
    await admin.query(`update payments set updated_at = now() where id = '${uuid}'`);
  });

  it('I20 sees an end that bears no mark of its transaction, and a mark that two payments share', async () => {
    const [first, second] = [await pay(), await pay()];
    await apply((tx) => verdicts.handle([refused(first.id, first.ledgerCommandId)], tx));
    const [one, other] = [uuidOf('payment', first.id), uuidOf('payment', second.id)];
    const change = (id: string, column: string, value: string) =>
      admin.query(`update payments set ${column} = ${value} where id = '${id}'`);
    await admin.query(`create temporary table kept as select * from payments where id in ('${one}', '${other}')`);
    await change(one, 'verdict_event_id', 'gen_random_uuid()');
    expect(await sample('I20')).toMatch(/^events\/[0-9a-f-]{36} is not by the verdict on its payment$/);
    await change(one, 'verdict_event_id', `(select verdict_event_id from kept where id = '${one}')`);
    await admin.query(`create temporary table logged as select * from payment_transitions where payment_id = '${one}'`);
    const mark = (column: string, value: string) =>
      admin.query(`update payment_transitions set ${column} = ${value} where payment_id = '${one}'`);
    for (const [column, value] of [
      ['cause_event_id', 'gen_random_uuid()'],
      ['xact_id', `'1'`],
    ] as const) {
      await mark(column, value);
      expect(await sample('I20')).toMatch(/^events\/[0-9a-f-]{36} has no mark of its transaction$/);
      await mark(column, `(select ${column} from logged)`);
    }
    await change(other, 'create_command_id', `(select create_command_id from kept where id = '${one}')`);
    expect(await sample('I20')).toMatch(/^events\/[0-9a-f-]{36} marks 2 payments$/);
    await change(other, 'create_command_id', `(select create_command_id from kept where id = '${other}')`);
    expect(await sample('I20')).toBe('');
  });

  it('I18 sees a payment that was written in silence', async () => {
    const id = newId('payment');
    await db.database.transaction((tx) => commands.handle([create(id)], tx));
    const uuid = uuidOf('payment', id);
    expect(await sample('I18')).toBe(`payments/${uuid} has no message`);
    await admin.query(`delete from payments where id = '${uuid}'`);
  });

  it('I18 sees an end that was written in silence, and an event about no change', async () => {
    const { id, ledgerCommandId } = await pay();
    const uuid = uuidOf('payment', id);
    await db.database.transaction((tx) => verdicts.handle([refused(id, ledgerCommandId)], tx));
    expect(await sample('I18')).toBe(`payments/${uuid} has no message`);
    await admin.query(`delete from payments where id = '${uuid}'`);
    expect(await sample('I18')).toMatch(/^events\/\S+ has no change$/);
    await admin.query(`update outbox set messages = '[]' where messages::text like '%${id}%'`);
    expect(await sample('I18')).toBe('');
  });

  it.each([
    ['card_number', { card: '4242424242424242' }],
    ['api_key', { note: 'sk_live_0123456789abcdef0123' }],
    ['password', { password: 'hunter2' }],
  ])('I33 sees a %s in metadata', async (kind, metadata) => {
    const { id } = await pay(metadata as Record<string, string>);
    expect(await sample('I33')).toContain(`payments/${uuidOf('payment', id)} ${kind}`);
    await admin.query(`delete from outbox; delete from payments`);
  });

  it('I33 takes no id, amount, phone number or ordinary digits for a secret', async () => {
    await pay({
      order: '01a1fcfe-571f-7760-8a28-f5898d971e43',
      phone: '+4917612345678',
      invoice: '20261121000042',
      note: '1234567890123',
    });
    expect(await sample('I33')).toBe('');
  });
});
