import { statement } from '@payflow/database';
import { brokenBooks, openBenchBooks, type BenchBooks } from './books.js';
import { spread } from './measure.js';
import { report } from './report.js';
import { costsOf, measured, type Round } from './round.js';
import { importUnchained } from './unchained-hooks.js';
import * as chained from './work.js';

/**
 * What the proof costs: the ledger's posting as it is, against the same with the hashes of its chain left out, each on books of
 * its own on one server, in turns. Ends with 1 when the books that are chained are not in order.
 */
const SIZES = { smoke: { pairs: 9, transfers: 10_000 }, full: { pairs: 15, transfers: 30_000 } };
const ACCOUNTS = 10_000;
const BATCH = 500;
const CONNECTIONS = 2;

const size = SIZES[process.argv[2] === 'full' ? 'full' : 'smoke'];
const adminUrl = process.env['POSTGRES_URL'] ?? '';
const postgresPid = Number(process.env['POSTGRES_PID']);

interface Side {
  readonly books: BenchBooks;
  readonly work: typeof chained;
}

function roundOf({ books, work }: Side): Promise<Round> {
  const batches = work.batchesOf(books, size.transfers / BATCH, BATCH);
  return measured(books.database, postgresPid, size.transfers, () => work.postOurs(books, batches, CONNECTIONS));
}

const HASHES = statement('bench.hashes', 'select count(distinct chain_hash)::integer as hashes from transfers');

/** That the one side hashes every transfer and the other none, or there is nothing to compare. */
async function assertSides(on: Side, off: Side): Promise<void> {
  const [{ hashes: some } = { hashes: 0 }] = await on.books.database.rows<{ hashes: number }>(HASHES);
  const [{ hashes: none } = { hashes: 0 }] = await off.books.database.rows<{ hashes: number }>(HASHES);
  if (some < size.transfers || none !== 1) throw new Error(`${some} hashes with the chain, ${none} without`);
}

async function main(): Promise<void> {
  const shape = { accounts: ACCOUNTS, connections: CONNECTIONS };
  const on: Side = { books: await openBenchBooks(adminUrl, shape), work: chained };
  const work = await importUnchained<typeof chained>(new URL('./work.js', import.meta.url));
  const off: Side = { books: await openBenchBooks(adminUrl, shape), work };
  const pairs: { on: Round; off: Round }[] = [];
  // Who begins changes with each turn; the first two only warm up.
  for (let turn = -2; turn < size.pairs; turn++) {
    const first = await roundOf(turn % 2 === 0 ? on : off);
    const second = await roundOf(turn % 2 === 0 ? off : on);
    if (turn >= 0) pairs.push(turn % 2 === 0 ? { on: first, off: second } : { on: second, off: first });
  }
  await assertSides(on, off);
  const of = (pick: (pair: { on: Round; off: Round }) => number) => spread(pairs.map(pick));
  report({
    benchmark: 'ledger-proof',
    headline: `posting with the hash chain against without, batches of ${BATCH} on ${CONNECTIONS} connections, ${size.pairs} turns: median (min to max)`,
    settings: { ...size, accounts: ACCOUNTS, batch: BATCH, connections: CONNECTIONS },
    results: {
      ...costsOf(
        'chained',
        pairs.map((pair) => pair.on),
      ),
      ...costsOf(
        'not chained',
        pairs.map((pair) => pair.off),
      ),
      'time chained against not (gate: at most 1.15)': of((pair) => pair.off.perSecond / pair.on.perSecond),
      'CPU chained against not, Node and PostgreSQL': of((pair) => pair.on.cpu_us / pair.off.cpu_us),
      'chained, Node alone, µs': of((pair) => pair.on.nodeCpu_us),
      'not chained, Node alone, µs': of((pair) => pair.off.nodeCpu_us),
    },
    broken: await brokenBooks(on.books),
  });
  await on.books.close();
  await off.books.close();
}

await main();
