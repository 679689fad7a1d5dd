import { fromUuid, newId, uuidOf } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { createTestDatabase, testBroker, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { migrations } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, leg, onAnotherChainThan } from '../testing/commands.js';
import { LedgerCommandsHandler } from './ledger-commands.handler.js';

/** One Kafka batch (docs/the-ledger.md), whatever its mix; begin and commit are not counted. */
const STATEMENTS_MAX = 10;
/** The runner's own: the position's lock, and its new place. */
const OF_THE_RUNNER = 2;

describe('the statements of one batch', () => {
  let db: TestDatabase;
  let messaging: Messaging;

  beforeAll(async () => {
    db = await createTestDatabase('ledger', migrations);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
    messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  });
  afterAll(() => db?.drop());

  const handler = new LedgerCommandsHandler();
  /** What a batch says, and the names of the statements that it takes, the outbox's among them. */
  const handled = async (commands: readonly LedgerCommand[], by = handler) => {
    const names: string[] = [];
    const told = await db.database.transaction(async (tx) => {
      // What ran again counts as it ran last.
      names.length = 0;
      for (const method of ['rows', 'count'] as const) {
        const original = tx[method].bind(tx) as (...values: Parameters<Transaction['rows']>) => Promise<never>;
        vi.spyOn(tx, method).mockImplementation((one, values) => {
          names.push(one.name);
          return original(one, values ?? []);
        });
      }
      const atCommit = tx.atCommit.bind(tx);
      vi.spyOn(tx, 'atCommit').mockImplementation((one, ...others) => {
        names.push(one.name);
        atCommit(one, ...others);
      });
      const { messages } = await by.handle(commands, tx);
      await messaging.outbox.stage(tx, messages, () => undefined);
      return messages.map(({ type, data }) => ('reason' in data ? `${type} ${data.reason}` : type));
    });
    return { told, names };
  };

  /** Every kind of command once or more, all about accounts that the batch opens itself. */
  const everything = (ours: CommandsOf): LedgerCommand[] => {
    const [world, wallet, points, bank] = [newId('account'), newId('account'), newId('account'), newId('account')];
    const of = { debit: world, credit: wallet };
    const transfer = ours.transfer(world, wallet, '50');
    const hold = ours.hold(world, wallet, '9', { expires_at: '2100-01-01T00:00:00.000Z' });
    const ended = ours.hold(world, wallet, '4');
    const between = { source: world, source_liquidity: wallet, destination_liquidity: bank, destination: points };
    return [
      ours.define('POINTS'),
      ours.open(world, { overdraft: 'unbounded', path: `world:${world}` }),
      ours.open(wallet, { metadata: { of: 'spec' }, overdraft: 'limited', overdraft_limit: '10' }),
      ours.open(points, { asset: 'POINTS' }),
      ours.open(bank, { asset: 'POINTS', overdraft: 'unbounded' }),
      ours.defineType('topup', { credit: [{ path: null, kind: 'liability' }] }),
      ours.closePeriod('2026-01'),
      transfer,
      ours.group([leg(world, wallet, '5', { type: 'topup' }), leg(wallet, world, '1', { up_to: true })], {
        conditions: [{ account: wallet, version: null, balance_gte: '0', balance_lte: null }],
        effective_at: '2026-11-01T00:00:00.000Z',
        metadata: { of: 'spec' },
      }),
      ours.convert(between, { destination_asset: 'POINTS' }),
      hold,
      ended,
      ours.postHold({ ...of, id: hold.data.id }, '3', false),
      ours.voidHold({ ...of, id: ended.data.id }),
      ours.reverse({ ...of, id: transfer.data.id }, '7'),
      ours.correct({ ...of, id: transfer.data.id }, '20'),
      ours.annotate({ id: transfer.data.id, debit: world }, { of: 'a transfer of this batch' }),
      ours.update(wallet, { state: 'debits_frozen', metadata: { of: 'more' } }),
    ];
  };

  it('are ten at most where it opens every account that it uses, and uses everything', async () => {
    const { told, names } = await handled(everything(new CommandsOf()));
    expect(told.filter((each) => each.includes('rejected'))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length + OF_THE_RUNNER).toBeLessThanOrEqual(STATEMENTS_MAX);
  });

  it('are ten at most where the accounts are there, and everything is used', async () => {
    const ours = new CommandsOf();
    const [world, wallet] = [newId('account'), newId('account')];
    const transfer = ours.transfer(world, wallet, '50');
    await handled([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet), transfer]);
    const known = [
      ours.annotate({ id: transfer.data.id, debit: world }, { of: 'spec' }),
      ours.reverse({ id: transfer.data.id, debit: world, credit: wallet }, '1'),
      ours.update(wallet, { metadata: { of: 'spec' } }),
    ];
    const { told, names } = await handled([...known, ...everything(ours)]);
    expect(told.slice(0, 3).filter((each) => each.includes('rejected'))).toEqual([]);
    expect(names.length + OF_THE_RUNNER).toBeLessThanOrEqual(STATEMENTS_MAX);
  });

  /** What `POST /transfers` and its like ask for, all in one batch that only moves posted money. */
  const groups = (ours: CommandsOf, [world, wallet, unseen]: readonly [string, string, string]): LedgerCommand[] => {
    const single = newId('transfer');
    return [
      ours.transfer(world, wallet, '1'),
      ours.group([leg(world, wallet, '5', { id: single })], {
        id: fromUuid('group', uuidOf('transfer', single)),
        metadata: { of: 'spec' },
      }),
      ours.group([leg(world, wallet, '5')], { effective_at: '2026-11-01T00:00:00.000Z' }),
      ours.group([leg(world, unseen, '5')]),
      ours.group([leg(wallet, world, '999999999')]),
    ];
  };

  it('are ten at most where it is decided from memory, whatever it names beside accounts', async () => {
    const ours = new CommandsOf();
    const [world, wallet, unseen] = [newId('account'), newId('account'), newId('account')];
    await handled([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet), ours.open(unseen)]);
    const before = ours.group([leg(world, wallet, '5')]);
    await handled([before]);
    // Copies of what an earlier batch answered, and of what this one does.
    const [first, ...others] = groups(ours, [world, wallet, unseen]) as [LedgerCommand, ...LedgerCommand[]];
    const copies = [before, first].map((command) => ({ ...command, id: newId('event') }));
    const { told, names } = await handled([first, ...others, ...copies]);
    expect(told.filter((each) => each.includes('rejected'))).toEqual(['payflow.group.rejected.v1 insufficient_funds']);
    expect(names).toContain('ledger.begin-unknown');
    expect(names).toContain('ledger.insert-verdicts-and-pass');
    expect(names).toContain('ledger.save-aside-all');
    expect(names).not.toContain('ledger.lock-accounts');
    expect(names.length + OF_THE_RUNNER).toBeLessThanOrEqual(STATEMENTS_MAX);
  });

  it('are ten at most where copies come with everything', async () => {
    const ours = new CommandsOf();
    const commands = everything(ours);
    const copies = commands.map((command) => ({ ...command, id: newId('event') }));
    const { told, names } = await handled([...commands, ...copies]);
    // What makes nothing has no id but its event's: voided again, and not told again.
    expect(told.filter((each) => each.includes('rejected'))).toEqual(['payflow.hold.rejected.v1 hold_not_pending']);
    expect(names).toContain('ledger.insert-verdicts-and-pass');
    expect(names.length + OF_THE_RUNNER).toBeLessThanOrEqual(STATEMENTS_MAX);
  });

  it('are two more at most where processes take turns: for what others have under way, and for what they changed the terms of', async () => {
    const ours = new CommandsOf();
    const [here, elsewhere] = [new LedgerCommandsHandler(db.url), new LedgerCommandsHandler(db.url)];
    const [world, wallet, unseen] = [newId('account'), newId('account'), newId('account')];
    // Each with a chain of its own, as partitions have.
    const payer = onAnotherChainThan(world);
    const unbounded = [world, payer].map((id) => ours.open(id, { overdraft: 'unbounded' }));
    await handled([...unbounded, ours.open(wallet), ours.open(unseen)], here);
    await until('they take turns', async () => {
      const both = [
        await handled([ours.transfer(world, wallet, '1')], elsewhere),
        await handled([ours.transfer(payer, wallet, '1')], here),
      ];
      return both.every(({ names }) => names[0] === 'ledger.begin-told');
    });
    await handled([ours.update(wallet, { metadata: { of: 'elsewhere' } })], elsewhere);
    await handled([ours.transfer(world, wallet, '1')], elsewhere);
    const { names } = await handled(groups(ours, [payer, wallet, unseen]), here);
    expect(names).toContain('ledger.begin-unknown-told');
    expect(names).not.toContain('ledger.lock-accounts-told');
    const ofTurns = names.filter((name) => name === 'ledger.await-told' || name === 'ledger.recall-accounts');
    expect(names.length + OF_THE_RUNNER - ofTurns.length).toBeLessThanOrEqual(STATEMENTS_MAX);
    expect(ofTurns.length).toBeLessThanOrEqual(2);
    const locking = await handled(everything(new CommandsOf()), here);
    expect(locking.names).toContain('ledger.lock-accounts-told');
    expect(locking.names.length + OF_THE_RUNNER).toBeLessThanOrEqual(STATEMENTS_MAX);
    await Promise.all([here, elsewhere].map((each) => each.onApplicationShutdown()));
  });
});
