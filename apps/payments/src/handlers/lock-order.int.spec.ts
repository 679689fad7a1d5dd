import { uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { until } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LedgerVerdictsHandler } from './ledger-verdicts.handler.js';
import { PaymentsUnderTest, told } from '../testing/payments-under-test.js';

const WAITING = statement(
  'spec.verdicts-that-wait',
  `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
);
const waiting = async (number: number) => (await payments.db.database.rows(WAITING)).length >= number;

let payments: PaymentsUnderTest;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(() => payments.close());

it('verdicts end direct payments in the order in which commands lock them, whatever order they came in', async () => {
  const [first, second] = [payments.create({ capture: 'automatic' }), payments.create({ capture: 'automatic' })].sort(
    (a, b) => (a.data.id < b.data.id ? -1 : 1),
  ) as [ReturnType<typeof payments.create>, ReturnType<typeof payments.create>];
  await payments.tell(first, second);
  // Among few, the server would read them all, and go by where they lie.
  await payments.db.tamper(
    `insert into payments select (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(), 'tenant_id', gen_random_uuid()))).*
     from payments p, generate_series(1, 1000)`,
  );
  await payments.db.tamper('analyze payments');
  const verdicts = payments.asked.splice(0).map((command) => payments.ledger.answer(command));
  const lastFirst = verdicts.toSorted((a, b) => {
    const [one, other] = [a, b].map(({ data }) => (data as { payment: string }).payment) as [string, string];
    return one > other ? -1 : 1;
  });
  const other = new Client({ connectionString: payments.db.adminUrl });
  await other.connect();
  const lock = ({ data }: typeof first, how = '') =>
    other.query(`select from payments where id = '${uuidOf('payment', data.id)}' for update ${how}`);
  try {
    await other.query('begin');
    await lock(first);
    const heard = payments.hear(...lastFirst);
    await until('the verdicts wait', () => waiting(1));
    await lock(second, 'nowait');
    await other.query('commit');
    expect(told(await heard)).toEqual(['payment.succeeded', 'payment.succeeded']);
  } finally {
    await other.end();
  }
});

it('verdicts on direct payments and on steps are heard under locks that are taken in one order', async () => {
  const [step, direct] = [payments.create(), payments.create()].toSorted((a, b) =>
    a.data.id < b.data.id ? -1 : 1,
  ) as [ReturnType<typeof payments.create>, ReturnType<typeof payments.create>];
  await payments.tell(step, { ...direct, data: { ...direct.data, capture: 'automatic' } });
  const verdicts = payments.asked.splice(0).map((command) => payments.ledger.answer(command));
  const other = new Client({ connectionString: payments.db.adminUrl });
  await other.connect();
  try {
    await other.query('begin');
    await other.query(`select from payments where id = '${uuidOf('payment', step.data.id)}' for update`);
    // It is the first to get the one, and has the other to go.
    const wishes = [step, direct].map(({ data: { id } }) => payments.wish(id, 'cancellation'));
    const runs: string[] = [];
    const asked = payments.apply((tx) => {
      runs.push('commands');
      return payments.commands.handle(wishes as never, tx);
    });
    await until('the commands wait', () => waiting(1));
    const heard = payments.apply((tx) => {
      runs.push('verdicts');
      return new LedgerVerdictsHandler().handle(verdicts as never, tx);
    });
    await until('the verdicts wait', () => waiting(2));
    await other.query('commit');
    await Promise.all([asked, heard]);
    // Whoever loses a deadlock is run again.
    expect(runs).toEqual(['commands', 'verdicts']);
    expect(told(await asked)).toEqual([]);
    expect(told(await heard).toSorted()).toEqual([
      'cancellation.failed payment_not_cancelable of succeeded',
      'hold.void',
      'payment.authorized',
      'payment.succeeded',
    ]);
  } finally {
    await other.end();
  }
});
