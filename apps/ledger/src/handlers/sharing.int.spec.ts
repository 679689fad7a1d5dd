import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant } from '@payflow/invariants';
import type { AnyOutgoing } from '@payflow/messaging';
import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chainOf } from '../database/chain.js';
import { invariants, migrations } from '../database/index.js';
import { shortKey, toldTexts } from '../database/told-text.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, onAnotherChainThan } from '../testing/commands.js';
import { LedgerCommandsHandler } from './ledger-commands.handler.js';

const BOOKS = new Set<string>(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I10']);
const POSTED = 'payflow.transfer.posted.v1';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations, 16);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => db.drop());

const ours = new CommandsOf();
/** Two processes that know of each other by the end of each `beforeEach`. */
let here: LedgerCommandsHandler;
let elsewhere: LedgerCommandsHandler;
let world: string;
let payer: string;
let payee: string;
beforeEach(async () => {
  here = new LedgerCommandsHandler(db.url);
  elsewhere = new LedgerCommandsHandler(db.url);
  [world, payee] = [newId('account'), newId('account')];
  payer = onAnotherChainThan(world);
  const opening = [ours.open(world, { overdraft: 'unbounded' }), ours.open(payer), ours.open(payee)];
  await handle(here, [...opening, ours.transfer(world, payer, '100')]);
  await until('they take turns', async () => {
    await handle(elsewhere, [ours.transfer(world, payee, '1')]);
    await handle(here, [ours.transfer(payer, payee, '1'), ours.transfer(payee, payer, '1')]);
    // Each with a chain of its own, as partitions have.
    const names = [...(await statementsOf(elsewhere, world)), ...(await statementsOf(here, payer))];
    return names.filter((name) => name === 'ledger.begin-told').length === 2 && !names.includes('ledger.lock-accounts');
  });
});
afterEach(() => Promise.all([here.onApplicationShutdown(), elsewhere.onApplicationShutdown()]));

async function handle(by: LedgerCommandsHandler, commands: readonly LedgerCommand[]): Promise<readonly AnyOutgoing[]> {
  return (await db.database.transaction((tx) => by.handle(commands, tx))).messages;
}

const endOf = async (by: LedgerCommandsHandler, command: LedgerCommand): Promise<unknown> => {
  const [message] = await handle(by, [command]);
  return message && 'reason' in message.data ? message.data.reason : message?.type;
};

const stateOf = async (account: string) =>
  (await handle(new LedgerCommandsHandler(), [ours.update(account, {})]))[0]?.data as unknown as Record<string, string>;

/** What a batch sends before its last packet. */
async function statementsOf(by: LedgerCommandsHandler, from: string): Promise<readonly string[]> {
  const names: string[] = [];
  await db.database.transaction(async (tx) => {
    const rows = tx.rows.bind(tx);
    tx.rows = (sent, values) => {
      names.push(sent.name);
      return rows(sent, values);
    };
    await by.handle([ours.transfer(from, payee, '1')], tx);
  });
  return names;
}

async function expectBooksInOrder(): Promise<void> {
  for (const each of invariants.filter(({ name }) => BOOKS.has(name)))
    expect((await checkInvariant(db.database, each, 'full')).sample, each.name).toEqual([]);
}

const WAITING = statement(
  'spec.waiting-for-turn',
  `select count(*)::integer as count from pg_stat_activity
   where datname = current_database() and wait_event = 'advisory' and query like '%pg_advisory_xact_lock_shared%'`,
);

async function untilOneWaits(): Promise<void> {
  await until('it waits', async () => (await db.database.rows<{ count: number }>(WAITING))[0]?.count === 1);
}

class RolledBack extends Error {}

describe('processes that take turns', () => {
  it('build on what the other has decided and not committed', async () => {
    let follower: Promise<unknown> | undefined;
    await db.database.transaction(async (tx) => {
      await elsewhere.handle([ours.transfer(world, payer, '500')], tx);
      follower = endOf(here, ours.transfer(payer, payee, '550'));
      await untilOneWaits();
    });
    expect(await follower).toBe(POSTED);
    expect(await stateOf(payer)).toMatchObject({ posted_credits: expect.stringMatching(/^6../) as string });
    await expectBooksInOrder();
  });

  it('start anew where that was rolled back', async () => {
    let follower: Promise<unknown> | undefined;
    const undone = db.database.transaction(async (tx) => {
      await elsewhere.handle([ours.transfer(world, payer, '500')], tx);
      follower = endOf(here, ours.transfer(payer, payee, '550'));
      await untilOneWaits();
      throw new RolledBack();
    });
    await expect(undone).rejects.toBeInstanceOf(RolledBack);
    expect(await follower).toBe('insufficient_funds');
    await expectBooksInOrder();
  });

  it('hear of what is held, frozen and limited elsewhere', async () => {
    await handle(elsewhere, [ours.hold(payer, payee, '60')]);
    expect(await endOf(here, ours.transfer(payer, payee, '60'))).toBe('insufficient_funds');
    await handle(elsewhere, [ours.update(payer, { overdraft: 'limited', overdraft_limit: '50' })]);
    expect(await endOf(here, ours.transfer(payer, payee, '60'))).toBe(POSTED);
    await handle(elsewhere, [ours.update(payer, { state: 'frozen' })]);
    expect(await endOf(here, ours.transfer(payer, payee, '1'))).toBe('account_frozen');
    await expectBooksInOrder();
  });
});

describe('what is told decides nothing', () => {
  /** Says on the channel what no process has. */
  async function say(text: string): Promise<void> {
    const client = new Client({ connectionString: db.url });
    await client.connect();
    await client.query(`select pg_notify('payflow_ledger_turns', $1)`, [text]);
    await client.end();
  }

  const ROW = statement(
    'spec.row',
    'select xact_id::text as xact, version::integer from accounts where id = $1 and livemode = false',
  );

  it('money that is not there is not paid', async () => {
    const [row] = await db.database.rows<{ xact: string; version: number }>(ROW, [uuidOf('account', payer)]);
    const { xact, version } = row as { xact: string; version: number };
    const rich = { postedDebits: 0n, postedCredits: 900_000n, pendingDebits: 0n, pendingCredits: 0n };
    const key = shortKey(uuidOf('tenant', ours.tenant), false, uuidOf('account', payer));
    // What reads the account anew takes it for the row's own transaction's.
    for (const claimed of [version, version + 1]) {
      const told = { xact, at_ms: 1, accounts: [[key, { ...rich, version: claimed }]] as const };
      for (const text of toldTexts(told)) await say(text);
      expect(await endOf(here, ours.transfer(payer, payee, '5000'))).toBe('insufficient_funds');
    }
    // A process that has not read the account yet.
    const late = new LedgerCommandsHandler(db.url);
    expect(await endOf(late, ours.transfer(payer, payee, '5000'))).toBe('insufficient_funds');
    await late.onApplicationShutdown();
    expect(await endOf(here, ours.transfer(payer, payee, '1'))).toBe(POSTED);
    await expectBooksInOrder();
  });

  it('nonsense is passed over', async () => {
    for (const text of ['', 'x', 'undone', '1 1 ', '1 1 AAAA', '9 999999999999999 AAAA', 'join join']) await say(text);
    expect(await endOf(here, ours.transfer(payer, payee, '1'))).toBe(POSTED);
    await expectBooksInOrder();
  });
});

describe('a turn that does not end', () => {
  it('is not waited for for ever: batches lock instead', async () => {
    const client = new Client({ connectionString: db.url });
    await client.connect();
    await client.query(`select pg_advisory_lock(hashtext('payflow/ledger/turn'))`);
    expect(await endOf(here, ours.transfer(payer, payee, '1'))).toBe(POSTED);
    expect(await endOf(elsewhere, ours.transfer(payer, payee, '1'))).toBe(POSTED);
    await client.end();
    await expectBooksInOrder();
  });

  it('ends with its connection', async () => {
    const END = statement(
      'spec.end-turns',
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'payflow-ledger:turns'`,
    );
    await db.tamper(END.text);
    expect(await endOf(here, ours.transfer(payer, payee, '1'))).toBe(POSTED);
    expect(await endOf(elsewhere, ours.transfer(payer, payee, '1'))).toBe(POSTED);
    await expectBooksInOrder();
  });
});

it('four batches at a time of each, holds and failures among them, keep the same books', async () => {
  const onChain = (chain: number): string => {
    for (;;) {
      const id = newId('account');
      if (chainOf(id) === chain) return id;
    }
  };
  const wallets = Array.from({ length: 32 }, (_, at) => onChain(at % 8));
  await handle(here, [...wallets.map((id) => ours.open(id)), ...wallets.map((id) => ours.transfer(world, id, '1000'))]);
  const pick = () => wallets[Math.floor(Math.random() * wallets.length)] as string;
  const amount = () => String(1 + Math.floor(Math.random() * 300));
  const batchOf = (partition: number, round: number) => [
    ours.transfer(wallets[partition] as string, pick(), amount()),
    ...Array.from({ length: round * 3 }, () => ours.transfer(pick(), pick(), amount())),
    ...(round % 5 === 4 ? [ours.hold(pick(), pick(), amount())] : []),
  ];
  const work = async (by: LedgerCommandsHandler, partition: number) => {
    for (let round = 0; round < 12; round++) {
      const batch = batchOf(partition, round);
      if (round % 6 === 5) {
        const undone = db.database.transaction(async (tx) => {
          await by.handle(batch, tx);
          throw new RolledBack();
        });
        await expect(undone).rejects.toBeInstanceOf(RolledBack);
      }
      await handle(by, batch);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, at) => work(at % 2 === 0 ? here : elsewhere, at)));
  await expectBooksInOrder();
});
