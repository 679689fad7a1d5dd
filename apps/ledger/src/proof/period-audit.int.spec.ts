import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { createTestDatabase, testBroker, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { otherFigures } from '../database/period-invariants.js';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import { PeriodCloser } from '../period-closer.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { brokenMonths } from './period-audit.js';

const [november, december] = ['2025-11', '2025-12'];
const [ours, others] = [new CommandsOf(), new CommandsOf()];

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  const messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  const closer = new PeriodCloser(db.database, messaging, db.database);
  for (const tenant of [ours, others]) {
    const [world, wallet] = [newId('account'), newId('account')];
    const pay = (amount: string, effective_at: string) => tenant.group([leg(world, wallet, amount)], { effective_at });
    await db.database.transaction((tx) =>
      new LedgerCommandsHandler().handle(
        [
          tenant.open(world, { overdraft: 'unbounded' }),
          tenant.open(wallet),
          pay('5', `${november}-03T00:00:00.000Z`),
          pay('7', `${december}-03T00:00:00.000Z`),
          tenant.closePeriod(november),
          tenant.closePeriod(december),
        ],
        tx,
      ),
    );
  }
  // The horizon is the server's: transactions of other specs hold it back as long as they are open.
  const OPEN = statement('spec.closing', `select 1 from periods where status = 'closing'`);
  await until('the months are closed', async () => {
    await closer.closeAll();
    return (await db.database.rows(OPEN)).length === 0;
  });
});
afterAll(() => db.drop());

const wrong = (month: string) => `periods/${uuidOf('tenant', ours.tenant)}/${month} has another hash than its figures`;
const ofOurs = (month: string) => `where month = '${month}' and tenant_id = '${uuidOf('tenant', ours.tenant)}'`;
const told = (from: string, to: string, month: string) =>
  `update periods set event_data = replace(event_data, '${from}', '${to}') ${ofOurs(month)}`;

it('every closed month of everybody has the hash of its figures', async () => {
  expect(await brokenMonths(db.database)).toEqual([]);
});

it.each([
  ['figures', told('"12"', '"13"', december), [december]],
  ['a hash', told('"hash":"', '"hash":"0', november), [november, december]],
  ['a name', told(`"id":"${december}"`, '"id":"2026-01"', december), [december]],
  ['a predecessor', `update periods set after_month = '2025-10' ${ofOurs(december)}`, [december]],
  ['nothing', `update periods set event_data = '{}' ${ofOurs(november)}`, [november, december]],
  ['an end', `update periods set ends_at = '2026-02-01' ${ofOurs(december)}`, [december]],
])('a month that was given %s of another is found, and what was closed after it', async (_, change, months) => {
  await db.tamper('create table kept as table periods');
  await db.tamper(change);
  expect(await brokenMonths(db.database)).toEqual(months.map(wrong));
  await db.tamper('delete from periods; insert into periods select * from kept; drop table kept');
});

it('has the figures of its transfers, however few of them are read at a time', async () => {
  for (const step_transfers of [1, 1_000]) {
    const figures = otherFigures(step_transfers);
    expect(await figures(db.database)).toEqual({ violations: 0, sample: [] });
    await db.tamper('update transfers set amount_minor = amount_minor + 1 where amount_minor = 7');
    expect((await figures(db.database)).sample.toSorted()).toEqual(
      [ours, others]
        .map(({ tenant }) => `periods/${uuidOf('tenant', tenant)}/${december} has other figures than its transfers`)
        .sort(),
    );
    await db.tamper('update transfers set amount_minor = amount_minor - 1 where amount_minor = 8');
  }
});
