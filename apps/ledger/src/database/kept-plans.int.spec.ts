import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { migrations } from './index.js';

const PLANNED_ANEW = statement(
  'spec.planned-anew',
  `select name from pg_prepared_statements where name like 'ledger.%' and custom_plans > 0 order by name`,
);
const EXECUTED = statement(
  'spec.executed',
  `select generic_plans::integer as times from pg_prepared_statements where name = 'ledger.write-remembered'`,
);
let db: TestDatabase;

beforeAll(async () => {
  // One connection: what it has prepared is its own.
  db = await createTestDatabase('ledger', migrations, 1);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => db?.drop());

it('posts transfers that come one by one without a plan made for each', async () => {
  const handler = new LedgerCommandsHandler();
  const ours = new CommandsOf();
  const [payer, payee] = [newId('account'), newId('account')];
  const handle = (commands: Parameters<typeof handler.handle>[0]) =>
    db.database.transaction((tx) => handler.handle(commands, tx), { plans: 'kept' });
  await handle([payer, payee].map((id) => ours.open(id, { overdraft: 'unbounded' })));
  for (let nth = 0; nth < 20; nth++) await handle([ours.group([leg(payer, payee, '1')])]);
  expect(await db.database.rows(PLANNED_ANEW)).toEqual([]);
  const [written] = await db.database.rows<{ times: number }>(EXECUTED);
  expect(written?.times).toBeGreaterThan(10);
});
