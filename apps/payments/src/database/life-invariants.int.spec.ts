import { uuidOf, type InvariantName } from '@payflow/contracts';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PaymentsUnderTest } from '../testing/payments-under-test.js';
import { invariants } from './index.js';

const CARD = { method: { type: 'card', token: 'tok_visa' } } as const;

let payments: PaymentsUnderTest;
let admin: Client;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
  admin = new Client({ connectionString: payments.db.adminUrl });
  await admin.connect();
  await admin.query('set session_replication_role = replica');
});
afterAll(async () => {
  await admin.end();
  await payments.close();
});

async function sample(name: InvariantName): Promise<string> {
  const one = invariants.find((invariant) => invariant.name === name) as Invariant;
  const running = (await checkInvariant(payments.db.database, one, 'running')).sample;
  expect((await checkInvariant(payments.db.database, one, 'full')).sample).toEqual(running);
  return running.join('; ');
}

/** What is broken is seen, and was not broken before or after: the change is taken back. */
async function seen(name: InvariantName, tampering: string, finding: RegExp): Promise<void> {
  expect(await sample(name)).toBe('');
  const tables = [
    'payments',
    'payment_operations',
    'ledger_steps',
    'payment_transitions',
    'attempts',
    'attempt_transitions',
    'outbox',
  ];
  for (const table of tables) await admin.query(`create temporary table kept_${table} as select * from ${table}`);
  await admin.query(tampering);
  expect(await sample(name)).toMatch(finding);
  for (const table of tables) {
    await admin.query(
      `delete from ${table}; insert into ${table} select * from kept_${table}; drop table kept_${table}`,
    );
  }
  expect(await sample(name)).toBe('');
}

/** Something of everything, at all its stages. */
async function aLotOfLife(): Promise<string> {
  const say = async (payment: string, kind: 'capture' | 'refund' | 'increment' | 'cancellation', more?: object) => {
    await payments.tell(payments.wish(payment, kind, more));
    await payments.settle();
    if (await payments.attempt(payment)) await payments.tell(await payments.answer(payment, 'approved'));
    await payments.settle();
  };
  const card = await payments.authorized({ ...CARD, capture: 'manual_multiple' });
  await say(card, 'increment');
  await say(card, 'capture', { amount: '700', final: false });
  await say(card, 'refund', { amount: '100' });
  await say(card, 'cancellation');
  await say(await payments.authorized(), 'capture', { amount: '10' });
  await say(await payments.authorized(), 'cancellation');
  const direct = payments.create({ capture: 'automatic' });
  await payments.tell(direct, payments.wish(direct.data.id, 'cancellation'));
  await payments.settle();
  await say(direct.data.id, 'refund', { amount: '5' });
  await payments.tell(payments.create({ confirm: false }));
  const refused = payments.create(CARD);
  await payments.tell(refused);
  await payments.settle();
  await payments.tell(await payments.answer(refused.data.id, 'declined'));
  await payments.settle();
  await payments.tell(payments.create(CARD), payments.create(), payments.create({ capture: 'automatic' }));
  return card;
}

describe('over the whole life of payments', () => {
  let card: string;
  let id: string;
  beforeAll(async () => {
    card = await aLotOfLife();
    id = `'${uuidOf('payment', card)}'`;
  });

  it('all invariants hold', async () => {
    for (const { name } of invariants.filter(({ name }) => name !== 'I19')) expect(await sample(name), name).toBe('');
  });

  it('I9 sees sums that are not those of the operations', async () => {
    const finding = /^payments\/\S+ has sums that are not those of its operations$/;
    const set = (change: string) => `update payments set ${change} where id = ${id}`;
    await seen('I9', set('amount_refunded_minor = 99'), finding);
    await seen('I9', set('amount_captured_minor = 701, amount_authorized_minor = 701'), finding);
    await seen('I9', set('amount_refunding_minor = 1'), finding);
  });

  it('I10 sees a hold that outlives its payment, and one that was ended twice', async () => {
    const of = `payment_id = ${id}`;
    await seen(
      'I10',
      `update ledger_steps set hold_left_minor = 1 where ${of} and step = 'reserve' and amount_minor = 1000`,
      /outlives its payment$/,
    );
    await seen(
      'I10',
      `insert into ledger_steps select (jsonb_populate_record(l, '{"step": "release:9"}')).* from ledger_steps l where ${of} and step = 'release:1'`.replace(
        '{"step"',
        `{"command_id": "00000000-0000-7000-8000-000000000009", "step"`,
      ),
      /was ended 2 times$/,
    );
  });

  it('I10 says nothing of the same id in both modes: clients choose what it is made of', async () => {
    const copied = (table: string, where: string) =>
      admin.query(
        `insert into ${table} select (jsonb_populate_record(t, jsonb_build_object('livemode', true, 'command_id', gen_random_uuid()))).*
         from ${table} t where ${where} = ${id}`,
      );
    await copied('payments', 'id');
    await copied('ledger_steps', 'payment_id');
    expect(await sample('I10')).toBe('');
    for (const table of ['payments', 'ledger_steps']) await admin.query(`delete from ${table} where livemode`);
  });

  it('I15 sees an end that is not asked for, and what waits for nothing', async () => {
    const waiting = await payments.authorized();
    const which = `'${uuidOf('payment', waiting)}'`;
    await seen(
      'I15',
      `update payments set authorized_until = now() - interval '31 seconds' where id = ${which}`,
      /is past its deadline$/,
    );
    await payments.tell(payments.wish(waiting, 'capture'));
    const late = `updated_at = now() - interval '41 seconds' where payment_id = ${which}`;
    await seen(
      'I15',
      `update payment_operations set ${late}; update ledger_steps set ${late}`,
      /^payment_operations\/\S+ waits for nothing$/,
    );
    await seen(
      'I15',
      `update payment_operations set ${late}; update ledger_steps set status = 'done', verdict_event_id = gen_random_uuid() where payment_id = ${which}`,
      /waits for nothing$/,
    );
    await payments.tell(payments.wish(waiting, 'cancellation'));
    const only = `${late} and status = 'queued'`;
    await seen(
      'I15',
      `update payment_operations set ${only}; update payments set operation_id = id where id = ${which}`,
      /^payment_operations\/\S+ waits for nothing$/,
    );
    await payments.settle();
  });

  it('I16 sees an illegal transition, a version that is left out, and a state that nobody logged', async () => {
    const set = (change: string, where: string) =>
      `update payment_transitions set ${change} where payment_id = ${id} and ${where}`;
    await seen(
      'I16',
      set(`to_status = 'failed'`, 'version = 1'),
      /went from processing to failed|went from authorized/,
    );
    await seen(
      'I16',
      set(`from_status = 'succeeded'`, `version = 2`),
      /went from succeeded to authorized as its version 2/,
    );
    await seen('I16', `delete from payment_transitions where payment_id = ${id} and version = 2`, /as its version 3/);
    await seen(
      'I16',
      `update payments set status = 'authorized' where id = ${id}`,
      /^payments\/\S+ is not as its log says$/,
    );
  });

  describe('of what was asked of a provider', () => {
    let which: string;
    const log = (change: string, version: number) =>
      `update attempt_transitions set ${change} where attempt_id = ${which} and version = ${version}`;
    beforeAll(async () => {
      which = `(select id from attempts where payment_id = ${id} and action = 'authorize')`;
      for (const status of ['sending', 'unknown', 'approved'])
        await payments.noted(status, `id = ${which}`, `, connector = 'cards'`);
    });

    it('I16 sees a way that there is not, a version that is left out, and a state that nobody logged', async () => {
      await seen('I16', log(`to_status = 'approved', from_status = 'declined'`, 3), /went from declined to approved/);
      await seen('I16', log(`from_status = 'sending'`, 3), /went from sending to approved as its version 3/);
      await seen(
        'I16',
        `delete from attempt_transitions where attempt_id = ${which} and version = 2`,
        /as its version 3/,
      );
      for (const change of [`status = 'declined'`, 'version = 4'])
        await seen(
          'I16',
          `update attempts set ${change} where id = ${which}`,
          /^attempts\/\S+ is not as its log says$/,
        );
    });

    it('I32 sees a move without actor, reason or trace', async () => {
      for (const change of [`actor = ''`, `reason = ''`, 'trace_id = null'])
        await seen('I32', log(change, 2), /^attempts\/\S+ version 2 has no actor, reason or trace$/);
    });

    it('says nothing of those that were there before there was a log', async () => {
      await admin.query(`insert into attempt_log_began values (now() + interval '1 day')`);
      await admin.query(log(`actor = ''`, 2));
      expect(await sample('I32')).toBe('');
      await admin.query(`delete from attempt_log_began`);
      expect(await sample('I32')).toMatch(/version 2/);
      await admin.query(log(`actor = 'spec'`, 2));
    });
  });

  it('I18 sees a change, an end and a step that nobody was told of, and an event about nothing', async () => {
    await seen(
      'I18',
      `update payment_transitions set xact_id = '1' where payment_id = ${id} and version = 2`,
      /has no message/,
    );
    await seen(
      'I18',
      `update payment_operations set xact_id = '1' where payment_id = ${id} and kind = 'capture'`,
      /^payment_operations\/\S+ has no message$/,
    );
    await seen(
      'I18',
      `delete from ledger_steps where payment_id = ${id} and step = 'release:1'`,
      /^events\/\S+ has no change$/,
    );
  });

  it('I20 sees a verdict that marks two steps', async () => {
    const first = `(select verdict_event_id from ledger_steps where payment_id = ${id} and step = 'reserve' limit 1)`;
    await seen(
      'I20',
      `update ledger_steps set verdict_event_id = ${first} where payment_id = ${id} and step = 'release:1'`,
      /marks \d steps$/,
    );
  });

  it('I32 sees a change without actor, reason or trace', async () => {
    for (const change of [`actor = ''`, `reason = ''`, 'trace_id = null'])
      await seen(
        'I32',
        `update payment_transitions set ${change} where payment_id = ${id} and version = 1`,
        /version 1 has no actor, reason or trace$/,
      );
  });
});
