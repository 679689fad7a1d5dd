import { newId, uuidOf } from '@payflow/contracts';
import { until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CommandsOf, leg, onAnotherChainThan } from '../testing/commands.js';
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

it.each(['recorded', 'effective'])(
  'the pages of a statement tell of what was known at the first, though more has come at its last instant, by %s time',
  async (basis) => {
    const [ours, payer, payee] = [new CommandsOf(), newId('account'), newId('account')];
    const others = Array.from({ length: 3 }, () => onAnotherChainThan(payer));
    await ledger.handle([payer, payee, ...others].map((id) => ours.open(id, { overdraft: 'unbounded' })));
    // The server's clock was ahead, and has been set back: all that follows on the accounts is recorded at one instant.
    const ahead = new Date(Date.now() + 3_600_000).toISOString();
    await db.tamper(
      `update accounts set last_recorded_at = '${ahead}' where tenant_id = typeid_uuid('${ours.tenant}')`,
    );
    const pay = (from: string, amount: string) => ours.group([leg(from, payee, amount)]);
    await ledger.handle([pay(payer, '5'), pay(payer, '7'), pay(payer, '9')]);
    const path = `accounts/${payee}/statement?basis=${basis}&limit=1`;
    const pages = [(await ledger.read(ours, path)).body];
    for (let next = pages[0]?.['next']; typeof next === 'string'; next = pages.at(-1)?.['next']) {
      for (const other of others) await ledger.handle([pay(other, '1000')]);
      await ledger.handle([pay(payer, '100')]);
      pages.push((await ledger.read(ours, `${path}&after=${next}`)).body);
    }
    const lines = pages.flatMap((page) => page['lines'] as { amount: string; balance: string }[]);
    expect(lines.map(({ amount, balance }) => [amount, balance])).toEqual([
      ['5', '5'],
      ['7', '12'],
      ['9', '21'],
    ]);
    expect(pages.map((page) => page['closing_balance'])).toEqual(['21', '21', '21']);
  },
);
