import { newId } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { createTestDatabase, testBroker, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from './database/index.js';
import type { LedgerCommand } from './domain/decide.js';
import { LedgerCommandsHandler } from './handlers/ledger-commands.handler.js';
import { PeriodCloser } from './period-closer.js';
import { onePeriod } from './reads/periods.js';
import { CommandsOf, leg, onAnotherChainThan } from './testing/commands.js';

const handler = new LedgerCommandsHandler();
let db: TestDatabase;
let closer: PeriodCloser;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  const messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  closer = new PeriodCloser(db.database, messaging, db.database);
});
afterAll(() => db.drop());

const handleIn = async (tx: Transaction, ...commands: readonly LedgerCommand[]) =>
  (await handler.handle(commands, tx)).messages.map(({ type }) => type);

it('a closing month waits for a posting that began after the mark was written, and before it stood', async () => {
  const [ours, world] = [new CommandsOf(), newId('account')];
  const wallet = onAnotherChainThan(world);
  const monthStart = new Date(new Date().toISOString().slice(0, 7));
  const lastInstant = new Date(monthStart.getTime() - 1).toISOString();
  const month = lastInstant.slice(0, 7);
  await db.database.transaction((tx) => handleIn(tx, ours.open(world, { kind: 'asset', overdraft: 'unbounded' })));
  await db.database.transaction((tx) => handleIn(tx, ours.open(wallet)));
  const post = ours.group([leg(world, wallet, '5')], { effective_at: lastInstant });
  const period = async () => (await onePeriod(db.database, ours, month)) as { status: string; totals?: object[] };

  let end = (): void => undefined;
  const mayEnd = new Promise<void>((resolve) => (end = resolve));
  let posting: Promise<void> | undefined;
  await db.database.transaction(async (marking) => {
    await handleIn(marking, { ...ours.closePeriod(month), key: onAnotherChainThan(post.key) });
    await new Promise<void>((hasPosted) => {
      posting = db.database.transaction(async (tx) => {
        expect(await handleIn(tx, post)).toEqual(['payflow.group.posted.v1']);
        hasPosted();
        await mayEnd;
      });
    });
  });
  await closer.closeAll();
  expect((await period()).status).toBe('closing');
  end();
  await posting;
  await until('it is closed', async () => {
    await closer.closeAll();
    return (await period()).status === 'closed';
  });
  expect((await period()).totals).toEqual([
    { asset: 'USD', kind: 'asset', posted_debits: '5', posted_credits: '0' },
    { asset: 'USD', kind: 'liability', posted_debits: '0', posted_credits: '5' },
  ]);
});
