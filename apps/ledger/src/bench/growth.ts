import { fromUuid, uuidOf } from '@payflow/contracts';
import { openDatabase, statement } from '@payflow/database';
import { checkInvariant, type Invariant } from '@payflow/invariants';
import { Client } from 'pg';
import { findTransfer } from '../database/booked-transfer.repository.js';
import { invariants } from '../database/invariants.js';
import { findVerdicts } from '../database/verdict.repository.js';
import { accountBalance } from '../reads/account-balance.js';
import { accountHistory } from '../reads/account-history.js';
import { trialBalance } from '../reads/trial-balance.js';
import { FUNDS, brokenInvariants, differingAccounts, openBenchBooks, type BenchBooks } from './books.js';
import { seedHistory } from './history.js';
import { spread, type Spread } from './measure.js';
import { report, type Results } from './report.js';
import { measured } from './round.js';
import { batchesOf, postOurs } from './work.js';

/**
 * What history costs: the same accounts with a small and a large past, side by side on one server, asked and posted to in turns.
 * Ratios are large against small. Ends with 1 when the books are not in order.
 */
const SMALL = 100_000;
const ACCOUNTS = 10_000;
const PAIRS = 7;
const BATCH = 500;
const CONNECTIONS = 2;
const TRANSFERS = 10_000;
const READS = 200;
const TRIAL_BALANCES = 10;
const CHECKS = 10;
const YEAR_MS = 360 * 86_400_000;
const LINES = 20;
/** Checks read all of a long history. */
const CHECK_TIMEOUT_MS = 1_800_000;

const base = Number(process.argv[2] ?? 1_000_000);
const adminUrl = process.env['POSTGRES_URL'] ?? '';
const postgresPid = Number(process.env['POSTGRES_PID']);

/** With ids of the past to ask for. */
interface OldBooks extends BenchBooks {
  /** UUIDs of transfers, from all over the history. */
  readonly known: readonly string[];
}

// Whole pages, so that a long history is not read for it.
const SAMPLE = statement('bench.sample', 'select id from transfers tablesample system ($1) limit 20000');
const SAMPLED = 20_000;

const COUNTERS_EQUAL_TRANSFERS = invariants.find(({ name }) => name === 'I3') as Invariant;

// What no transfer brought.
const GIVEN = statement(
  'bench.given',
  `insert into verified_counters as v (tenant_id, livemode, account_id, posted_debits, posted_credits)
   select tenant_id, livemode, id, 0, ${FUNDS} from accounts
   on conflict (tenant_id, livemode, account_id) do update set posted_credits = v.posted_credits + ${FUNDS}`,
);

type Read = (books: OldBooks) => Promise<unknown>;

const ownerOf = (books: BenchBooks) => ({ tenant: books.tenant, livemode: false });
const anyAccount = (books: BenchBooks) => ({
  owner: ownerOf(books),
  id: fromUuid('account', books.accounts[Math.floor(Math.random() * books.accounts.length)] as string),
});
/** Every transfer of an account. */
const ANY_LINE = {
  group: undefined,
  kind: undefined,
  type: undefined,
  metadata: undefined,
  amountGte: 1n,
  amountLte: 2n ** 63n - 1n,
  createdGte: '-infinity',
  createdLt: 'infinity',
} as const;
const anyKnown = ({ tenant, known }: OldBooks) => ({
  tenant: uuidOf('tenant', tenant),
  livemode: false,
  kind: 'transfer' as const,
  uuid: known[Math.floor(Math.random() * known.length)] as string,
});
const someTime = () => new Date(Date.now() - Math.random() * YEAR_MS);

const READ_OF: Readonly<Record<string, { readonly gate: string; readonly count: number; readonly read: Read }>> = {
  'balance now': {
    gate: 'at most 1.2',
    count: READS,
    read: (books) => accountBalance(books.database, anyAccount(books), { at: undefined, basis: 'recorded' }),
  },
  'verdict by id': {
    gate: 'at most 1.2',
    count: READS,
    read: (books) => books.database.transaction((tx) => findVerdicts(tx, [anyKnown(books)])),
  },
  'transfer by id': {
    gate: 'at most 1.2',
    count: READS,
    read: (books) => findTransfer(books.database, ownerOf(books), fromUuid('transfer', anyKnown(books).uuid)),
  },
  'last 20 transfers of an account': {
    gate: 'at most 2',
    count: READS,
    read: (books) =>
      accountHistory(books.database, anyAccount(books), { filter: ANY_LINE, limit: LINES, after: undefined }),
  },
  'balance as of an instant of the past year': {
    gate: 'at most 2',
    count: READS,
    read: (books) => accountBalance(books.database, anyAccount(books), { at: someTime(), basis: 'recorded' }),
  },
  'trial balance now': {
    gate: 'flat, 1.2',
    count: TRIAL_BALANCES,
    read: (books) => trialBalance(books.database, ownerOf(books), { at: undefined, basis: 'recorded' }),
  },
  'counters against transfers (I3), as it is checked all the time': {
    gate: 'flat, 1.2',
    count: CHECKS,
    read: async (books) => {
      const { sample } = await checkInvariant(books.database, COUNTERS_EQUAL_TRANSFERS, 'running');
      if (sample.length > 0) throw new Error(`I3: ${sample.join(' ')}`);
    },
  },
};

async function open(transfers: number): Promise<OldBooks> {
  const startedAt = performance.now();
  const books = await openBenchBooks(adminUrl, { accounts: ACCOUNTS, connections: CONNECTIONS });
  await seedHistory(books, transfers);
  await caughtUp(books);
  const known = await books.database.rows<{ id: string }>(SAMPLE, [Math.min(100, (SAMPLED / transfers) * 100)]);
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  process.stderr.write(`seeded ${transfers.toLocaleString('en')} transfers in ${seconds} s\n`);
  return { ...books, known: known.map(({ id }) => id) };
}

/** As the checks leave it that have run since the first transfer. */
async function caughtUp({ database }: BenchBooks): Promise<void> {
  const { advance } = COUNTERS_EQUAL_TRANSFERS;
  if (!advance) throw new Error('I3 reads the whole history');
  while ((await database.rows(advance)).length > 0);
  await database.count(GIVEN);
}

async function postedPerSecond(books: BenchBooks): Promise<number> {
  const work = batchesOf(books, TRANSFERS / BATCH, BATCH);
  return (await measured(books.database, postgresPid, TRANSFERS, () => postOurs(books, work, CONNECTIONS))).perSecond;
}

async function microseconds(books: OldBooks, read: Read, count: number): Promise<number> {
  const startedAt = performance.now();
  for (let at = 0; at < count; at++) await read(books);
  return ((performance.now() - startedAt) / count) * 1_000;
}

/** The same of both, in turns; the first turn only warms up. */
async function inTurns(small: OldBooks, large: OldBooks, measure: (books: OldBooks) => Promise<number>) {
  const pairs: { small: number; large: number }[] = [];
  for (let turn = 0; turn <= PAIRS; turn++) pairs.push({ small: await measure(small), large: await measure(large) });
  const counted = pairs.slice(1);
  const of = (pick: (pair: { small: number; large: number }) => number): Spread => spread(counted.map(pick));
  return {
    small: of((pair) => pair.small),
    large: of((pair) => pair.large),
    ratio: of((pair) => pair.large / pair.small),
  };
}

async function compare(small: OldBooks, large: OldBooks): Promise<Results> {
  const results: Record<string, Spread> = {};
  const tell = (what: string, unit: string, gate: string, measuredInTurns: Awaited<ReturnType<typeof inTurns>>) => {
    results[`${what}, ${unit}, small`] = measuredInTurns.small;
    results[`${what}, ${unit}, large`] = measuredInTurns.large;
    results[`${what}, ratio (gate: ${gate})`] = measuredInTurns.ratio;
  };
  for (const [what, { gate, count, read }] of Object.entries(READ_OF))
    tell(what, 'µs', gate, await inTurns(small, large, (books) => microseconds(books, read, count)));
  tell('posting', 'transfers/s', 'at least 0.85', await inTurns(small, large, postedPerSecond));
  return results;
}

async function broken(books: BenchBooks): Promise<string[]> {
  const { url } = books.urls;
  const database = await openDatabase({
    url,
    poolSize: 2,
    applicationName: 'bench',
    statementTimeout_ms: CHECK_TIMEOUT_MS,
  });
  try {
    return [...(await differingAccounts(database)), ...(await brokenInvariants(database))];
  } finally {
    await database.close();
  }
}

/** So that no flushing of what was seeded falls into a round. */
async function checkpoint(): Promise<void> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query('checkpoint');
  await admin.end();
}

async function main(): Promise<void> {
  const [small, large] = [await open(SMALL), await open(base)];
  await checkpoint();
  const results = await compare(small, large);
  process.stderr.write('measured; the books are checked from the beginning\n');
  report({
    benchmark: 'ledger-growth',
    headline: `${base.toLocaleString('en')} transfers of history against ${SMALL.toLocaleString('en')}, ${ACCOUNTS.toLocaleString('en')} accounts each, ${PAIRS} turns: median (min to max)`,
    settings: { base, small: SMALL, accounts: ACCOUNTS, pairs: PAIRS },
    results,
    broken: [...(await broken(small)), ...(await broken(large))],
  });
  await small.close();
  await large.close();
}

await main();
