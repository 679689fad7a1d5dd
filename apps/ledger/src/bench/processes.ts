import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { PARTITIONS } from '@payflow/contracts';
import { openDatabase } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { CONNECTIONS } from '../ledger.module.js';
import { brokenBooks, openBenchBooks, type BenchBooks } from './books.js';
import { spread, treeCpu_us } from './measure.js';
import { report, type Results } from './report.js';
import { costsOf, measured, type Round } from './round.js';
import { batchesOfShare, postOurs, type Payers, type Share } from './work.js';

/**
 * The ledger as two processes, with half of the partitions each, against one process with all of them, in turns in one run: with
 * the partitions of a cluster, for which `PAYFLOW_PARTITIONS=cluster` stands, and with those of a single machine. A partition has
 * one batch at work at a time, and a process as many as it has connections. Ends with 1 when the books are not in order.
 */
const SIZES = { smoke: { pairs: 5, transfers: 16_000 }, full: { pairs: 15, transfers: 60_000 } };
const ACCOUNTS = 10_000;
const BATCH = 500;
/** V8 is slow at first, and two processes have met by then. */
const WARM_UP_TURNS = 4;
/** With those of a single machine each of two processes has one, and nothing to do while that waits. */
const PARTITIONS_TRIED = [PARTITIONS.cluster, PARTITIONS.single];

const size = SIZES[process.argv[2] === 'full' ? 'full' : 'smoke'];
const postgresPid = Number(process.env['POSTGRES_PID']);

interface Setting extends Payers, Share {
  readonly url: string;
}

/** A process that posts as many transfers as it is told, and says when it has made them and when it has posted them. */
class Worker {
  private constructor(private readonly child: ChildProcess) {}

  static async start(setting: Setting): Promise<Worker> {
    const worker = new Worker(fork(fileURLToPath(import.meta.url), ['worker'], { execArgv: process.execArgv }));
    await worker.ask({ setting });
    return worker;
  }

  make(transfers: number): Promise<unknown> {
    return this.ask({ make: transfers });
  }

  post(): Promise<unknown> {
    return this.ask({ post: true });
  }

  /** So far, µs. */
  get cpu_us(): number {
    return treeCpu_us(this.child.pid ?? 0);
  }

  stop(): void {
    this.child.disconnect();
  }

  private ask(message: object): Promise<unknown> {
    const answered = once(this.child, 'message');
    this.child.send(message);
    return answered;
  }
}

/** What posting costs these workers together; each has an equal share. */
async function roundOf({ database }: BenchBooks, workers: readonly Worker[]): Promise<Round> {
  await Promise.all(workers.map((worker) => worker.make(size.transfers / workers.length)));
  return measured(
    database,
    postgresPid,
    size.transfers,
    () => Promise.all(workers.map((worker) => worker.post())),
    () => workers.reduce((sum, worker) => sum + worker.cpu_us, 0),
  );
}

/** As many processes, each with as many of the partitions. */
function start({ urls: { url }, tenant, accounts }: BenchBooks, count: number, partitions: number): Promise<Worker[]> {
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  return Promise.all(
    Array.from({ length: count }, (_, nth) =>
      Worker.start({ url, tenant, accounts, partitions, mine: all.filter((partition) => partition % count === nth) }),
    ),
  );
}

/** Each side has books of its own: what the other posted in between would be news to it. */
async function compare(ofOne: BenchBooks, ofTwo: BenchBooks, partitions: number): Promise<Results> {
  const [one, two] = [await start(ofOne, 1, partitions), await start(ofTwo, 2, partitions)];
  const pairs: { one: Round; two: Round }[] = [];
  for (let turn = -WARM_UP_TURNS; turn < size.pairs; turn++) {
    const pair = { one: await roundOf(ofOne, one), two: await roundOf(ofTwo, two) };
    if (turn >= 0) pairs.push(pair);
  }
  for (const worker of [...one, ...two]) worker.stop();
  return {
    ...costsOf(
      `${partitions} partitions: one process`,
      pairs.map((pair) => pair.one),
    ),
    ...costsOf(
      `${partitions} partitions: two processes`,
      pairs.map((pair) => pair.two),
    ),
    [`${partitions} partitions: two against one${partitions === PARTITIONS.cluster ? ' (gate: 1.0)' : ''}`]: spread(
      pairs.map((pair) => pair.two.perSecond / pair.one.perSecond),
    ),
  };
}

async function work({ url, tenant, accounts, partitions, mine }: Setting): Promise<void> {
  const connections = Math.min(mine.length, CONNECTIONS.consumers);
  const database = await openDatabase({ url, poolSize: connections, applicationName: 'bench' });
  // On a busy machine the first connections take longer than a batch may wait for one.
  await database.warmUp();
  const broker = { brokers: ['127.0.0.1:1'], clientId: 'bench' };
  const messaging = new Messaging({ broker, database, partitions: 'single' });
  let ready: ReturnType<typeof batchesOfShare> = [];
  process.on('message', (message: { readonly make?: number; readonly post?: true }) => {
    if (message.make !== undefined)
      ready = batchesOfShare({ tenant, accounts }, message.make / BATCH, BATCH, { partitions, mine });
    const done = message.post ? postOurs({ database, messaging, url }, ready, connections) : Promise.resolve();
    void done.then(() => process.send?.('done'));
  });
  process.once('disconnect', () => void database.close().then(() => process.exit()));
  process.send?.('ready');
}

if (process.argv[2] === 'worker') {
  process.once('message', ({ setting }: { readonly setting: Setting }) => void work(setting));
} else {
  const open = () =>
    openBenchBooks(process.env['POSTGRES_URL'] ?? '', {
      accounts: ACCOUNTS,
      connections: CONNECTIONS.consumers,
    });
  const broken: string[] = [];
  let results: Results = {};
  for (const partitions of PARTITIONS_TRIED) {
    const [ofOne, ofTwo] = [await open(), await open()];
    results = { ...results, ...(await compare(ofOne, ofTwo, partitions)) };
    for (const books of [ofOne, ofTwo]) {
      broken.push(...(await brokenBooks(books)));
      await books.close();
    }
  }
  report({
    benchmark: 'ledger-processes',
    headline: `posting by two processes against one, batches of ${BATCH}, ${size.pairs} turns: median (min to max)`,
    settings: { ...size, accounts: ACCOUNTS, batch: BATCH, partitions: PARTITIONS_TRIED },
    results,
    broken,
  });
}
