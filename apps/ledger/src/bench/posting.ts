import { brokenBooks, openBenchBooks, type BenchBooks } from './books.js';
import { fdatasyncsPerSecond } from './fdatasync.js';
import { spread, type Spread } from './measure.js';
import { report, type Results } from './report.js';
import { costsOf, measured, type Round } from './round.js';
import { batchesOf, postOurs, postTheirs, requestsOf, type Mix } from './work.js';

/**
 * The ledger's posting with all it does in the product: verdicts, funds check, hash chain, outbox row. Against a plain TypeORM
 * poster, by size of batch, on a hot account, with refusals, and one transfer per commit against the disk itself. What is
 * compared takes turns in one run. Prints one JSON object; ends with 1 when the books are not in order.
 */
const SIZES = {
  smoke: { accounts: 10_000, pairs: 5, transfers: 6_000, plain: 250, singles: 400, matrixPairs: 5 },
  full: { accounts: 100_000, pairs: 7, transfers: 30_000, plain: 1_500, singles: 3_000, matrixPairs: 5 },
};
const BATCH = 500;
const CONNECTIONS = 2;
const CONNECTIONS_MAX = 32;
const BATCHES_TRIED = [1, 10, 100, 500, 1_000];
const CLIENTS_TRIED = [1, 8, 32];
const FDATASYNCS = 500;
/** V8 and Postgres' caches are slow at first: both posters are warm before anything counts. */
const WARM_UP_TRANSFERS = 40_000;
const WARM_UP_REQUESTS = 800;

const size = SIZES[process.argv[2] === 'full' ? 'full' : 'smoke'];
const postgresPid = Number(process.env['POSTGRES_PID']);

interface Shape {
  readonly batch: number;
  readonly connections: number;
  readonly transfers: number;
  readonly mix?: Mix;
}

const USUAL: Shape = { batch: BATCH, connections: CONNECTIONS, transfers: size.transfers };

/** One measured round; what it posts is made beforehand. */
function roundOf(books: BenchBooks, { batch, connections, transfers, mix }: Shape): Promise<Round> {
  const work = batchesOf(books, Math.ceil(transfers / batch), batch, mix);
  return measured(books.database, postgresPid, work.length * batch, () => postOurs(books, work, connections));
}

function plainRound(books: BenchBooks): Promise<Round> {
  const work = requestsOf(books, size.plain);
  return measured(books.database, postgresPid, size.plain, () => postTheirs(books, work, CONNECTIONS));
}

/** So many turns of each, one after the other. */
async function inTurns(count: number, rounds: readonly (() => Promise<Round>)[]): Promise<Round[][]> {
  const results: Round[][] = rounds.map(() => []);
  for (let turn = 0; turn < count; turn++) for (const [at, round] of rounds.entries()) results[at]?.push(await round());
  return results;
}

async function againstPlain(books: BenchBooks): Promise<Results> {
  const [ours = [], apart = [], theirs = []] = await inTurns(size.pairs, [
    () => roundOf(books, USUAL),
    () => roundOf(books, { ...USUAL, mix: { apart: true } }),
    () => plainRound(books),
  ]);
  return {
    'PayFlow, transfers/s (aim: 22,000)': of(ours, (r) => r.perSecond),
    'TypeORM poster, transfers/s': of(theirs, (r) => r.perSecond),
    'ratio (aim: 25)': ratio(ours, theirs),
    ...costsOf('PayFlow where batches share no account', apart),
    'ratio where batches share no account': ratio(apart, theirs),
    'PayFlow, CPU µs per transfer, Node and PostgreSQL (aim: 65)': of(ours, (r) => r.cpu_us),
    'PayFlow, Node alone, µs': of(ours, (r) => r.nodeCpu_us),
    'Node alone, PayFlow against the TypeORM poster (aim: 0.01)': ratio(ours, theirs, (r) => r.nodeCpu_us),
    'TypeORM poster, CPU µs per transfer': of(theirs, (r) => r.cpu_us),
    'TypeORM poster, Node alone, µs': of(theirs, (r) => r.nodeCpu_us),
    'PayFlow, WAL bytes per transfer': of(ours, (r) => r.walBytes),
    'TypeORM poster, WAL bytes per transfer': of(theirs, (r) => r.walBytes),
  };
}

async function againstUniform(books: BenchBooks): Promise<Results> {
  const [uniform = [], hot = [], half = []] = await inTurns(size.pairs, [
    () => roundOf(books, USUAL),
    () => roundOf(books, { ...USUAL, mix: { hot: true } }),
    () => roundOf(books, { ...USUAL, mix: { refusals: true } }),
  ]);
  return {
    ...costsOf('any account pays', uniform),
    ...costsOf('one account pays for all', hot),
    ...costsOf('half of all refused', half),
    'one account pays for all, against any (gate: 1.0)': ratio(hot, uniform),
    'half of all refused, against none (gate: 0.6)': ratio(half, uniform),
  };
}

async function bySize(books: BenchBooks): Promise<Results> {
  const shapes = BATCHES_TRIED.flatMap((batch) =>
    [1, CONNECTIONS].map((connections) => ({
      batch,
      connections,
      transfers: batch === 1 ? size.singles : Math.max(batch * connections * 2, size.transfers / 2),
    })),
  );
  const results = await inTurns(
    size.matrixPairs,
    shapes.map((shape) => () => roundOf(books, shape)),
  );
  return together(
    shapes.map(({ batch, connections }, at) =>
      costsOf(`batches of ${batch} on ${connections} connection${connections > 1 ? 's' : ''}`, results[at] ?? []),
    ),
  );
}

async function oneByOne(books: BenchBooks, dir: string): Promise<Results> {
  const disk: number[] = [];
  const results = await inTurns(size.pairs, [
    ...CLIENTS_TRIED.map((connections) => () => roundOf(books, { batch: 1, connections, transfers: size.singles })),
    async () => {
      disk.push(fdatasyncsPerSecond(dir, FDATASYNCS));
      return { perSecond: disk.at(-1) ?? 0, cpu_us: 0, nodeCpu_us: 0, walBytes: 0 };
    },
  ]);
  const [one = [], , , syncs = []] = results;
  return {
    ...together(
      CLIENTS_TRIED.map((clients, at) =>
        costsOf(`one transfer per commit, ${clients} client${clients > 1 ? 's' : ''}`, results[at] ?? []),
      ),
    ),
    'fdatasync of this disk, per second': spread(disk),
    'one client against fdatasync (aim: 0.25)': ratio(one, syncs),
  };
}

function of(rounds: readonly Round[], pick: (round: Round) => number): Spread {
  return spread(rounds.map(pick));
}

/** Pair by pair, so that a machine that slows down slows both. */
function ratio(
  ours: readonly Round[],
  theirs: readonly Round[],
  pick: (round: Round) => number = (round) => round.perSecond,
): Spread {
  return spread(ours.map((round, at) => pick(round) / pick(theirs[at] as Round)));
}

function together(results: readonly Results[]): Results {
  return Object.assign({}, ...results) as Results;
}

async function main(): Promise<void> {
  const books = await openBenchBooks(process.env['POSTGRES_URL'] ?? '', { ...size, connections: CONNECTIONS_MAX });
  await postOurs(books, batchesOf(books, WARM_UP_TRANSFERS / BATCH, BATCH), CONNECTIONS);
  await postTheirs(books, requestsOf(books, WARM_UP_REQUESTS), CONNECTIONS);
  const parts: readonly (() => Promise<Results>)[] = [
    () => againstPlain(books),
    () => againstUniform(books),
    () => bySize(books),
    () => oneByOne(books, process.env['PAYFLOW_RUN_DIR'] ?? '.'),
  ];
  const results: Results[] = [];
  const broken: string[] = [];
  for (const measure of parts) {
    results.push(await measure());
    broken.push(...(await brokenBooks(books)));
  }
  report({
    benchmark: 'ledger',
    headline:
      `posting, batches of ${BATCH} on ${CONNECTIONS} connections where nothing else is said, ` +
      `${size.accounts.toLocaleString('en')} accounts, ${size.pairs} turns each, ${size.matrixPairs} by size: median (min to max)`,
    settings: { ...size, batch: BATCH, connections: CONNECTIONS },
    results: together(results),
    broken,
  });
  await books.close();
}

await main();
