import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant } from '@payflow/invariants';
import type { AnyOutgoing } from '@payflow/messaging';
import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chainOf } from '../database/chain.js';
import { invariants, migrations } from '../database/index.js';
import type { LedgerCommand } from '../domain/decide.js';
import { CommandsOf, leg, onAnotherChainThan } from '../testing/commands.js';
import { LedgerCommandsHandler } from './ledger-commands.handler.js';

const BOOKS = new Set<string>(['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I10']);

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations, 16);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => db.drop());

const ours = new CommandsOf();
/** Two processes: each remembers what it has seen itself. */
let here: LedgerCommandsHandler;
let elsewhere: LedgerCommandsHandler;
let world: string;
let payer: string;
let payee: string;
beforeEach(async () => {
  here = new LedgerCommandsHandler();
  elsewhere = new LedgerCommandsHandler();
  [world, payee] = [newId('account'), newId('account')];
  // What is posted beside an open transaction goes to another chain.
  payer = onAnotherChainThan(world);
  const opening = [ours.open(world, { overdraft: 'unbounded' }), ours.open(payer), ours.open(payee)];
  await handle(here, [...opening, ours.transfer(world, payer, '100')]);
  // From here on it knows them.
  await handle(here, [ours.transfer(payer, payee, '1'), ours.transfer(payee, payer, '1')]);
});

async function handle(by: LedgerCommandsHandler, commands: readonly LedgerCommand[]): Promise<readonly AnyOutgoing[]> {
  return (await db.database.transaction((tx) => by.handle(commands, tx))).messages;
}

const endOf = async (by: LedgerCommandsHandler, command: LedgerCommand): Promise<unknown> => {
  const [message] = await handle(by, [command]);
  return message && 'reason' in message.data ? message.data.reason : message?.type;
};

const stateOf = async (account: string) =>
  (await handle(new LedgerCommandsHandler(), [ours.update(account, {})]))[0]?.data as unknown as Record<string, string>;

async function expectBooksInOrder(): Promise<void> {
  for (const each of invariants.filter(({ name }) => BOOKS.has(name)))
    expect((await checkInvariant(db.database, each, 'full')).sample, each.name).toEqual([]);
}

describe('what another process did to a remembered account counts', () => {
  it('money that came in can be paid with', async () => {
    await handle(elsewhere, [ours.transfer(world, payer, '900')]);
    expect(await endOf(here, ours.transfer(payer, payee, '1000'))).toBe('payflow.transfer.posted.v1');
  });

  it('money that went out cannot', async () => {
    await handle(elsewhere, [ours.transfer(payer, payee, '60')]);
    expect(await endOf(here, ours.transfer(payer, payee, '60'))).toBe('insufficient_funds');
    expect(await stateOf(payer)).toMatchObject({ posted_debits: '61' });
  });

  it('held money cannot', async () => {
    await handle(elsewhere, [ours.hold(payer, payee, '60')]);
    expect(await endOf(here, ours.transfer(payer, payee, '60'))).toBe('insufficient_funds');
  });

  it('a frozen account is', async () => {
    await handle(elsewhere, [ours.update(payer, { state: 'frozen' })]);
    expect(await endOf(here, ours.transfer(payer, payee, '1'))).toBe('account_frozen');
  });

  it('a process from before rows named their writer is heard as well', async () => {
    const row = `where id = '${uuidOf('account', payer)}'`;
    await db.tamper(`update accounts set state = 'frozen', version = version + 1 ${row};
      insert into verdicts (tenant_id, livemode, kind, id, content_hash, command_id, event_id, event_type, event_data)
      select tenant_id, livemode, 'change', gen_random_uuid(), '', gen_random_uuid(), gen_random_uuid(), 'payflow.account.updated.v1',
        json_build_object('id', '${payer}') from accounts ${row}`);
    expect(await endOf(here, ours.transfer(payer, payee, '1'))).toBe('account_frozen');
  });

  it('a limit is', async () => {
    await handle(elsewhere, [ours.update(payer, { overdraft: 'limited', overdraft_limit: '50' })]);
    expect(await endOf(here, ours.transfer(payer, payee, '150'))).toBe('payflow.transfer.posted.v1');
  });

  it('an account that was only looked at by a condition is', async () => {
    const { version } = await stateOf(payer);
    const isAsSeen = { account: payer, version: Number(version), balance_gte: null, balance_lte: null };
    await handle(elsewhere, [ours.transfer(world, payer, '1')]);
    expect(await endOf(here, ours.group([leg(world, payee, '1')], { conditions: [isAsSeen] }))).toBe(
      'condition_failed',
    );
  });
});

it('is of an opening and a change of terms that were rolled back never a memory', async () => {
  const account = newId('account');
  const undone = db.database.transaction(async (tx) => {
    await here.handle([ours.open(account), ours.update(payer, { state: 'frozen' })], tx);
    throw new Error('spec');
  });
  await expect(undone).rejects.toThrow('spec');
  expect(await endOf(here, ours.transfer(world, account, '1'))).toBe('account_not_found');
  expect(await endOf(here, ours.transfer(payer, payee, '1'))).toBe('payflow.transfer.posted.v1');
});

const WRITING = statement(
  'spec.writing',
  `select count(*)::integer as count from pg_stat_activity
   where datname = current_database() and state = 'idle in transaction' and query like '%insert into verdicts%'`,
);

it('builds on a batch that has not committed yet, and starts anew when that one is rolled back', async () => {
  let follower: Promise<unknown> | undefined;
  const undone = db.database.transaction(async (tx) => {
    await here.handle([ours.transfer(world, payer, '500')], tx);
    // It sees the 500 that are not there yet, has written all but its accounts, and waits for them.
    follower = endOf(here, ours.transfer(payer, payee, '600'));
    await until('both have written', async () => (await db.database.rows<{ count: number }>(WRITING))[0]?.count === 2);
    throw new RolledBack();
  });
  await expect(undone).rejects.toBeInstanceOf(RolledBack);
  expect(await follower).toBe('insufficient_funds');
  await expectBooksInOrder();
});

it('goes on deciding from memory when a batch it built on was undone: the memory was right', async () => {
  let followers: Promise<unknown>[] = [];
  const undone = db.database.transaction(async (tx) => {
    await here.handle([ours.transfer(world, payer, '500')], tx);
    followers = [endOf(here, ours.transfer(payer, payee, '600'))];
    await until('both have written', async () => (await db.database.rows<{ count: number }>(WRITING))[0]?.count === 2);
    throw new RolledBack();
  });
  await expect(undone).rejects.toBeInstanceOf(RolledBack);
  await Promise.all(followers);
  const locked = new Set<string>();
  await db.database.transaction(async (tx) => {
    const rows = tx.rows.bind(tx);
    tx.rows = (statement, values) => {
      locked.add(statement.name);
      return rows(statement, values);
    };
    await here.handle([ours.transfer(payer, payee, '1')], tx);
  });
  expect([...locked]).toEqual(['ledger.begin']);
});

it('adds to a chain what another batch of this process has not committed yet, and in its order', async () => {
  let follower: Promise<readonly AnyOutgoing[]> | undefined;
  await db.database.transaction(async (tx) => {
    await here.handle([ours.transfer(payer, payee, '1')], tx);
    // The same chain: it does not wait for the lock on its head before it has to.
    follower = handle(here, [ours.transfer(payer, world, '2')]);
    await until('both have written', async () => (await db.database.rows<{ count: number }>(WRITING))[0]?.count === 2);
  });
  expect((await follower)?.[0]?.type).toBe('payflow.transfer.posted.v1');
  await expectBooksInOrder();
});

it('finds an id that is not new as it writes, and gives the first answer again', async () => {
  const command = ours.transfer(payer, payee, '3');
  const [first] = await handle(here, [command]);
  const [again, fresh] = await handle(here, [{ ...command, id: newId('event') }, ours.transfer(payer, payee, '4')]);
  // To the byte: readers take another text under the same id for another message.
  expect(JSON.stringify(again?.data)).toBe(JSON.stringify(first?.data));
  expect(fresh?.type).toBe('payflow.transfer.posted.v1');
  expect(await stateOf(payer)).toMatchObject({ posted_debits: '8' });
  await expectBooksInOrder();
});

class RolledBack extends Error {}

function onChain(chain: number): string {
  for (;;) {
    const id = newId('account');
    if (chainOf(id) === chain) return id;
  }
}

it('two processes with four batches each at a time keep the same books', async () => {
  // Each worker is a partition, and so has a chain of its own.
  const wallets = Array.from({ length: 32 }, (_, at) => onChain(at % 8));
  await handle(here, [...wallets.map((id) => ours.open(id)), ...wallets.map((id) => ours.transfer(world, id, '1000'))]);
  const pick = () => wallets[Math.floor(Math.random() * wallets.length)] as string;
  const amount = () => String(1 + Math.floor(Math.random() * 300));
  const batchOf = (partition: number, size: number) => [
    ours.transfer(wallets[partition] as string, pick(), amount()),
    ...Array.from({ length: size }, () => ours.transfer(pick(), pick(), amount())),
  ];
  const work = async (by: LedgerCommandsHandler, partition: number) => {
    const messages: AnyOutgoing[] = [];
    for (let round = 0; round < 6; round++) messages.push(...(await handle(by, batchOf(partition, round * 5))));
    return messages;
  };
  const told = (
    await Promise.all(Array.from({ length: 8 }, (_, at) => work(at % 2 === 0 ? here : elsewhere, at)))
  ).flat();
  const paid = new Map(wallets.map((id) => [id, 1_000n]));
  for (const { type, data } of told) {
    if (type !== 'payflow.transfer.posted.v1') continue;
    const {
      debit_account: from,
      credit_account: to,
      amount,
    } = data as unknown as {
      debit_account: { id: string };
      credit_account: { id: string };
      amount: string;
    };
    paid.set(from.id, (paid.get(from.id) as bigint) - BigInt(amount));
    paid.set(to.id, (paid.get(to.id) as bigint) + BigInt(amount));
  }
  for (const [id, balance] of paid) {
    const { posted_credits, posted_debits } = await stateOf(id);
    expect(BigInt(posted_credits as string) - BigInt(posted_debits as string)).toBe(balance);
  }
  await expectBooksInOrder();
});
