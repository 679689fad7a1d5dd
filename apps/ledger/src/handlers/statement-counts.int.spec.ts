import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { createTestDatabase, statementsOf, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, leg } from '../testing/commands.js';
import { LedgerCommandsHandler } from './ledger-commands.handler.js';

/** Ten per batch, of which the runner needs three: the position's lock, the outbox row, the position's new place. */
const STATEMENTS_MAX = 7;
const MANY = 40;
/** A chain's head is read the first time that this process adds to it, together with what every batch begins with. */
const begun = (name: string) => (name === 'ledger.begin-unknown' ? 'ledger.begin' : name);

describe('a batch of ledger commands costs the same statements for one command and for many', () => {
  let db: TestDatabase;
  const ours = new CommandsOf();
  const [world, wallet] = [newId('account'), newId('account')];
  const handler = new LedgerCommandsHandler();
  const statementsFor = (commands: readonly LedgerCommand[]) =>
    statementsOf(() => db.database.transaction((tx) => handler.handle(commands, tx)));
  const times = (count: number, command: () => LedgerCommand) => Array.from({ length: count }, command);

  beforeAll(async () => {
    db = await createTestDatabase('ledger', migrations);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
    await statementsFor([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    await statementsFor([ours.transfer(world, wallet, '100000')]);
  });
  afterAll(() => db.drop());

  it.each<[string, () => LedgerCommand]>([
    ['transfers', () => ours.transfer(world, wallet, '5')],
    ['transfers that are refused', () => ours.transfer(wallet, world, '999999999')],
    ['holds', () => ours.hold(wallet, world, '1')],
    ['accounts', () => ours.open(newId('account'))],
    ['groups', () => ours.group([leg(world, wallet, '1')])],
  ])('%s', async (_, command) => {
    const one = await statementsFor([command()]);
    const many = await statementsFor(times(MANY, command));
    expect(many.map(begun).sort()).toEqual(one.map(begun).sort());
    expect(many.length).toBeLessThanOrEqual(STATEMENTS_MAX);
  });

  it('all kinds at once', async () => {
    const mixed = [
      ...times(10, () => ours.transfer(world, wallet, '5')),
      ...times(10, () => ours.hold(wallet, world, '1')),
      ...times(10, () => ours.open(newId('account'))),
    ];
    expect((await statementsFor(mixed)).length).toBeLessThanOrEqual(STATEMENTS_MAX);
  });
});
