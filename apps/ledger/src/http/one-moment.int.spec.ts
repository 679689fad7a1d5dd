import { newId, uuidOf } from '@payflow/contracts';
import { until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerUnderTest } from '../testing/ledger-under-test.js';

let ledger: LedgerUnderTest;
let db: TestDatabase;

beforeAll(async () => {
  ledger = await LedgerUnderTest.open();
  ({ db } = ledger);
});
afterAll(() => ledger.close());

it('a statement tells of one moment: what is recorded at its last instant while it is read is in none of its sums, or in all', async () => {
  const [ours, payer, payee] = [new CommandsOf(), newId('account'), newId('account')];
  await ledger.handle([payer, payee].map((id) => ours.open(id, { overdraft: 'unbounded' })));
  await ledger.handle([ours.group([leg(payer, payee, '5')])]);
  const admin = new Client({ connectionString: db.adminUrl });
  await admin.connect();
  try {
    await admin.query('begin; set local session_replication_role = replica; lock table balance_snapshots');
    const asked = ledger.read(ours, `accounts/${payer}/statement`);
    await until('its sums wait', async () => {
      const { rows } = await admin.query(
        `select from pg_locks where relation = 'balance_snapshots'::regclass and not granted`,
      );
      return rows.length > 0;
    });
    await admin.query(
      `insert into transfers select (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'chain_position', t.chain_position + 1000))).*
       from transfers t where t.debit_account_id = $1`,
      [uuidOf('account', payer)],
    );
    await admin.query('commit');
    const { body } = await asked;
    expect((body['lines'] as { balance: string }[]).at(-1)?.balance).toBe(body['closing_balance']);
  } finally {
    await admin.end();
  }
});
