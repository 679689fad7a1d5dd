import { newId } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { createTestDatabase, testBroker, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { migrations } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, leg } from '../testing/commands.js';
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
  const handled = async (commands: readonly LedgerCommand[]) => {
    const names: string[] = [];
    const told = await db.database.transaction(async (tx) => {
      for (const method of ['rows', 'count'] as const) {
        const original = tx[method].bind(tx) as (...values: Parameters<Transaction['rows']>) => Promise<never>;
        vi.spyOn(tx, method).mockImplementation((one, values) => {
          names.push(one.name);
          return original(one, values ?? []);
        });
      }
      const atCommit = tx.atCommit.bind(tx);
      vi.spyOn(tx, 'atCommit').mockImplementation((one, values) => {
        names.push(one.name);
        atCommit(one, values);
      });
      const { messages } = await handler.handle(commands, tx);
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
});
