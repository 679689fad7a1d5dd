import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { keyedOnce, overPages } from '@payflow/invariants';
import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import { CommandsOf, onAnotherChainThan } from '../testing/commands.js';
import { givingUp } from '../testing/giving-up.js';
import { brokenChains } from './chain-walk.js';
import { ofClass, overClasses } from './class-walk.js';
import { wrongCounters } from './counter-walk.js';
import { historySteps, OF_STEP, overHistory, type Step } from './history-steps.js';
import { migrations } from './index.js';

const ours = new CommandsOf();
const world = newId('account');
const wallet = onAnotherChainThan(world);

let db: TestDatabase;
const handle = (...commands: ReturnType<CommandsOf['transfer' | 'open']>[]) =>
  db.database.transaction((tx) => new LedgerCommandsHandler().handle(commands, tx));

/** Each is a transaction; the third is larger than a step. */
const BATCHES = [1, 2, 7, 1, 3, 1, 2];
const TRANSFERS = BATCHES.reduce((sum, size) => sum + size, 0);
const STEP = 3;

beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  await handle(ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet));
  for (const [nth, size] of BATCHES.entries())
    await handle(
      ...Array.from({ length: size }, (_, at) =>
        nth % 2 === 0 ? ours.transfer(world, wallet, String(100 + 10 * nth + at)) : ours.transfer(wallet, world, '1'),
      ),
    );
  // The horizon is the server's: transactions of other specs hold it back as long as they are open.
  await until('all steps are cut', async () => (await steps()).length > 4);
});
afterAll(() => db.drop());

async function steps(): Promise<Step[]> {
  const found: Step[] = [];
  for await (const step of historySteps(db.database, STEP)) found.push(step);
  return found;
}

describe('a history that is read in steps', () => {
  it('is read whole, each transaction once and in one step', async () => {
    const all = await steps();
    expect(all.at(0)?.from).toBe('0');
    for (const [nth, step] of all.entries()) expect(all[nth + 1]?.from).toBe(step.isLast ? undefined : step.to);
    const each = overHistory('spec.each', `select id from ${OF_STEP} as t`, { step_rows: STEP });
    expect((await each(db.database)).violations).toBe(TRANSFERS);
  });

  it('has whole chains and right counters, in however many steps and classes', async () => {
    for (const step_transfers of [1, STEP, 1_000]) {
      expect((await brokenChains(step_transfers)(db.database)).sample).toEqual([]);
      for (const accounts_max of [1, 1_000])
        expect((await wrongCounters({ step_transfers, accounts_max })(db.database)).sample).toEqual([]);
    }
  });

  it.each([1, STEP, 1_000])('is found changed in any place, with %d transfers a step', async (step_transfers) => {
    const ROWS = statement('spec.links', 'select id from transfers');
    for (const { id } of await db.database.rows<{ id: string }>(ROWS)) {
      const by = (amount: string) =>
        db.tamper(`update transfers set amount_minor = amount_minor ${amount} where id = '${id}'`);
      await by('+ 1');
      expect((await brokenChains(step_transfers)(db.database)).sample).toEqual([`transfers/${id}`]);
      const wrong = (await wrongCounters({ step_transfers, accounts_max: 1 })(db.database)).sample;
      expect([...wrong].sort()).toEqual(
        [world, wallet].map((account) => `accounts/${uuidOf('account', account)}`).sort(),
      );
      await by('- 1');
    }
  });

  it('has the same counters where a standby gives the last look up, and it is repeated', async () => {
    const again = givingUp(db.database);
    expect((await wrongCounters({ step_transfers: STEP, accounts_max: 1 })(again)).sample).toEqual([]);
  });

  it('is found without a link that a step began with, and with a head that was taken away', async () => {
    const [, second] = await steps();
    await db.tamper(`create table kept as select * from transfers where xact_id = '${second?.from}'`);
    await db.tamper(`delete from transfers where xact_id = '${second?.from}'`);
    expect((await brokenChains(STEP)(db.database)).violations).toBeGreaterThan(0);
    await db.tamper('insert into transfers select * from kept; drop table kept');
    await db.tamper('create table heads as table chains; delete from chains where chain = 3');
    expect((await brokenChains(STEP)(db.database)).sample).toEqual(['chains/3']);
    await db.tamper('insert into chains select * from heads where chain = 3; drop table heads');
    expect((await brokenChains(STEP)(db.database)).sample).toEqual([]);
  });

  it.each([1, STEP, 1_000])('has an id twice in whatever months, with %d of them a page', async (page_keys) => {
    const twice = keyedOnce(
      `spec.ids-${page_keys}`,
      { table: 'transfers', key: 'id', time: 'recorded_at', offends: `'transfers/' || id` },
      page_keys,
    );
    expect(await twice(db.database)).toEqual({ violations: 0, sample: [] });
    const FIRST = statement('spec.first-ids', 'select id from transfers order by id limit 2');
    const rows = await db.database.rows<{ id: string }>(FIRST);
    await db.tamper(`create table kept as select * from transfers order by id limit 2;
      insert into transfers select (t).* from (select jsonb_populate_record(kept, jsonb_build_object('recorded_at', recorded_at - interval '20 days')) as t
        from kept) as earlier`);
    expect(await twice(db.database)).toEqual({ violations: 2, sample: rows.map(({ id }) => `transfers/${id}`) });
    await db.tamper(
      `delete from transfers t using kept where t.id = kept.id and t.recorded_at < kept.recorded_at; drop table kept`,
    );
  });

  it('is added up in classes that each id is in one of, and looked through in pages that each row is on one of', async () => {
    const ids = [world, wallet].map((account) => uuidOf('account', account)).sort();
    const query = `select id from accounts where ${ofClass('id', 1)}`;
    const inClasses = overClasses('spec.classes', { rows: 'accounts', query }, 1);
    const onPages = overPages('spec.pages', { table: 'accounts', offending: (page) => `select id from ${page}` }, 1);
    for (const part of [inClasses, onPages]) expect([...(await part(db.database)).sample].sort()).toEqual(ids);
  });
});
