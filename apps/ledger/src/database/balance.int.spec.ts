import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { costOf, createTestDatabase, type TestDatabase, until } from '@payflow/testing';
import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerCommand } from '../domain/decide.js';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import { CommandsOf, leg, onAnotherChainThan } from '../testing/commands.js';
import { ToldBooks } from '../testing/told-books.js';
import { LINES_AFTER } from './account-line.repository.js';
import { BASES, type Basis } from './balance-sums.js';
import { BALANCE_AS_OF, completeUntil, postedAsOf, postedNow } from './balance.repository.js';
import { IN_INDEX_ORDER } from './index-order.js';
import { invariants, migrations } from './index.js';
import { ADD_SNAPSHOTS, addSnapshots } from './snapshot.repository.js';

const SNAPSHOTS = statement('spec.snapshots-in-all', 'select count(*)::integer as count from balance_snapshots');
const STAND_STILL = statement('spec.stand-still', 'update accounts set last_recorded_at = $1 where tenant_id = $2');

let db: TestDatabase;
const handler = new LedgerCommandsHandler();
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => db.drop());

const handle = async (commands: readonly LedgerCommand[]) =>
  (await db.database.transaction((tx) => handler.handle(commands, tx))).messages;

const CAUGHT_UP = statement(
  'spec.caught-up',
  'select coalesce(max(xact_id) < (select horizon from snapshot_horizon), true) as caught_up from transfers',
);

/** The horizon is the server's: transactions of other specs hold it back as long as they are open. */
async function rollUp(every: number): Promise<void> {
  await until('every transfer has been looked at', async () => {
    while (await addSnapshots(db.database, every));
    return (await db.database.rows<{ caught_up: boolean }>(CAUGHT_UP))[0]?.caught_up;
  });
}

describe('a balance as of an instant', () => {
  /** Random movements between five accounts, as a batch: plain, held, grouped and backdated. */
  function movements(ours: CommandsOf, accounts: readonly string[], next: () => number): LedgerCommand[] {
    const account = () => accounts[next() % accounts.length] as string;
    return Array.from({ length: 1 + (next() % 8) }, () => {
      const [debit, credit, amount] = [account(), account(), String(1 + (next() % 100))];
      const effective_at = next() % 3 === 0 ? null : new Date(Date.now() - (next() % 400)).toISOString();
      switch (next() % 4) {
        case 0:
          return [ours.transfer(debit, credit, amount)];
        case 1: {
          const hold = ours.hold(debit, credit, amount);
          return [hold, ours.postHold({ id: hold.data.id, debit, credit }, null)];
        }
        default:
          return [ours.group([leg(debit, credit, amount), leg(account(), account(), '3')], { effective_at })];
      }
    }).flat();
  }

  async function comparedWith(told: ToldBooks, ours: CommandsOf, accounts: readonly string[]): Promise<void> {
    for (const at of told.instants()) {
      for (const id of accounts) {
        const sums = async (basis: Basis) => {
          const of = { owner: ours, id };
          const sum = await postedAsOf(db.database, of, { basis, at: new Date(at), known: 'infinity' });
          return [sum?.postedDebits, sum?.postedCredits];
        };
        expect(await sums('recorded'), `${id} recorded at ${at}`).toEqual(told.told(id, at));
        expect(await sums('effective'), `${id} effective at ${at}`).toEqual(told.summed(id, at, 'effective'));
      }
    }
    const last = told.instants().at(-1) as string;
    for (const id of accounts) {
      const now = await postedNow(db.database, { owner: ours, id });
      expect([now?.postedDebits, now?.postedCredits], `${id} now`).toEqual(told.told(id, last));
    }
  }

  it('is what the events of that time told, by either time, with and without snapshots', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat({ max: 1_000_000 })), async (stream) => {
        const next = () => stream.next().value as number;
        const [ours, told] = [new CommandsOf(), new ToldBooks()];
        const accounts = Array.from({ length: 5 }, () => newId('account'));
        await handle(accounts.map((id) => ours.open(id, { overdraft: 'unbounded' })));
        for (let batch = 0; batch < 12; batch++) {
          told.hear(await handle(movements(ours, accounts, next)));
          if (next() % 3 === 0) await rollUp(4);
        }
        await comparedWith(told, ours, accounts);
        await rollUp(2);
        await comparedWith(told, ours, accounts);
      }),
      { numRuns: 4 },
    );
    expect((await db.database.rows<{ count: number }>(SNAPSHOTS))[0]?.count).toBeGreaterThan(50);
  });

  it('has all of an instant at which batches followed each other, whenever a snapshot was added', async () => {
    const [ours, world, wallet] = [new CommandsOf(), newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    // A clock that has gone back since: an account's own never does, so all that follows is recorded at this instant.
    const at = new Date(Date.now() + 3_600_000);
    await db.database.count(STAND_STILL, [at, uuidOf('tenant', ours.tenant)]);
    for (let batch = 1n; batch <= 3n; batch++) {
      await handle([ours.transfer(world, wallet, '1'), ours.transfer(world, wallet, '1')]);
      await rollUp(1);
      const sums = await postedAsOf(
        db.database,
        { owner: ours, id: wallet },
        { basis: 'recorded', at, known: 'infinity' },
      );
      expect(sums?.postedCredits).toBe(batch * 2n);
    }
  });

  it('is nobody else’s', async () => {
    const [ours, id] = [new CommandsOf(), newId('account')];
    await handle([ours.open(id)]);
    const as = async (owner: { tenant: string; livemode: boolean }) => {
      const asOf = await postedAsOf(
        db.database,
        { owner, id },
        { basis: 'recorded', at: 'infinity', known: 'infinity' },
      );
      expect(await postedNow(db.database, { owner, id })).toEqual(asOf);
      return asOf;
    };
    expect(await as(ours)).toEqual({ postedDebits: 0n, postedCredits: 0n });
    expect(await as(new CommandsOf())).toBeUndefined();
    expect(await as({ tenant: ours.tenant, livemode: true })).toBeUndefined();
  });
});

describe('a snapshot', () => {
  it('that was tampered with is found, and named', async () => {
    const [ours, world, wallet] = [new CommandsOf(), newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    for (let at = 0; at < 3; at++) await handle([ours.transfer(world, wallet, '1')]);
    await rollUp(1);
    const I3 = invariants.find(({ name }) => name === 'I3') as Invariant;
    expect((await checkInvariant(db.database, I3, 'full')).sample).toEqual([]);
    const admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    await admin.query('set session_replication_role = replica');
    const { rows } = await admin.query<{ named: string }>(
      `update balance_snapshots set posted_credits = posted_credits + 1
       where account_id = typeid_uuid($1) returning 'balance_snapshots/' || account_id || '/' || recorded_at as named`,
      [wallet],
    );
    const found = (await checkInvariant(db.database, I3, 'full')).sample;
    await admin.query(
      'update balance_snapshots set posted_credits = posted_credits - 1 where account_id = typeid_uuid($1)',
      [wallet],
    );
    await admin.end();
    expect(rows.length).toBeGreaterThan(0);
    expect([...found].sort()).toEqual(rows.map(({ named }) => named).sort());
  });
});

describe('what may still be recorded', () => {
  it('begins with the oldest transaction that is posting', async () => {
    const [ours, world, wallet] = [new CommandsOf(), newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    let recordedAt = '';
    await db.database.transaction(async (tx) => {
      const { messages } = await handler.handle([ours.transfer(world, wallet, '1')], tx);
      recordedAt = (messages[0]?.data as { recorded_at: string }).recorded_at;
      const before = await completeUntil(db.database);
      await handle([ours.open(onAnotherChainThan(world))]);
      expect(before.getTime()).toBeLessThan(Date.parse(recordedAt));
      expect((await completeUntil(db.database)).getTime()).toBe(before.getTime());
    });
    expect((await completeUntil(db.database)).getTime()).toBeGreaterThanOrEqual(Date.parse(recordedAt));
  });
});

describe('its cost', () => {
  const EVERY = 200;
  const BATCH = 500;

  it.each(BASES)('does not grow with the %s history behind it', async (basis) => {
    const [ours, told] = [new CommandsOf(), new ToldBooks()];
    const [world, wallet] = [newId('account'), newId('account')];
    await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
    const admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    const key = [`typeid_uuid('${ours.tenant}')`, 'false', `typeid_uuid('${wallet}')`];
    const most = async () => {
      let rows = 0;
      for (const at of told.instants())
        rows = Math.max(rows, (await costOf(admin, BALANCE_AS_OF[basis], [...key, `'${at}'`, `'infinity'`])).rows);
      return rows;
    };
    const grow = async (batches: number) => {
      for (let at = 0; at < batches; at++)
        told.hear(await handle(Array.from({ length: BATCH }, () => ours.transfer(world, wallet, '1'))));
      await admin.query('analyze');
    };
    // More than one statement of the rollup adds up.
    await grow(23);
    expect(await most()).toBeGreaterThan(22 * BATCH);
    const wallets = [`array[${key[0]}]`, 'array[false]', `array[${key[2]}]`, String(EVERY)];
    const added = await costOf(admin, ADD_SNAPSHOTS, wallets, IN_INDEX_ORDER);
    expect(added.rows).toBeLessThan(10_000 + BATCH + 10);
    await rollUp(EVERY);
    const bound = EVERY + BATCH + 10;
    expect(await most()).toBeLessThan(bound);
    await grow(4);
    await rollUp(EVERY);
    expect(await most()).toBeLessThan(bound);
    const middle = `'${told.instants()[10] ?? ''}'::timestamptz`;
    const page = [...key, middle, "'-infinity'", '-1', '-1', '51', "'infinity'", "'infinity'", "'{}'"];
    // A page's worth from each side at most, whatever lies before and after it.
    expect((await costOf(admin, LINES_AFTER[basis], page, IN_INDEX_ORDER)).rows).toBeLessThan(2 * BATCH);
    await admin.end();
  });
});
