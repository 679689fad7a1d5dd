import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '@payflow/database';
import { Messaging } from '@payflow/messaging';
import { brokenBooks, openBenchBooks, type BenchBooks } from './books.js';
import { spread } from './measure.js';
import { report } from './report.js';
import { batchesOf, postOurs, type Payers } from './work.js';

/**
 * The ledger as two processes, with half of the partitions each, against one process with all of them, in turns in one run.
 * Ends with 1 when the books are not in order.
 */
const SIZES = { smoke: { pairs: 7, transfers: 20_000 }, full: { pairs: 15, transfers: 60_000 } };
const ACCOUNTS = 10_000;
const BATCH = 500;
/** Batches at work at a time, whoever has them. */
const PARTITIONS = 2;

const size = SIZES[process.argv[2] === 'full' ? 'full' : 'smoke'];

interface Setting extends Payers {
  readonly url: string;
  readonly connections: number;
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

  stop(): void {
    this.child.disconnect();
  }

  private ask(message: object): Promise<unknown> {
    const answered = once(this.child, 'message');
    this.child.send(message);
    return answered;
  }
}

/** Transfers per second of these workers together; each has an equal share. */
async function rateOf(workers: readonly Worker[]): Promise<number> {
  await Promise.all(workers.map((worker) => worker.make(size.transfers / workers.length)));
  const startedAt = performance.now();
  await Promise.all(workers.map((worker) => worker.post()));
  return (size.transfers * 1_000) / (performance.now() - startedAt);
}

/** Each side has books of its own: what the other posted in between would be news to it. */
async function compare(ofOne: BenchBooks, ofTwo: BenchBooks): Promise<void> {
  const start = ({ urls: { url }, tenant, accounts }: BenchBooks, connections: number) =>
    Worker.start({ url, tenant, accounts, connections });
  const one = [await start(ofOne, PARTITIONS)];
  const two = [await start(ofTwo, PARTITIONS / 2), await start(ofTwo, PARTITIONS / 2)];
  const pairs: { one: number; two: number }[] = [];
  // The first two turns only warm up.
  for (let turn = -2; turn < size.pairs; turn++) {
    const rates = { one: await rateOf(one), two: await rateOf(two) };
    if (turn >= 0) pairs.push(rates);
  }
  for (const worker of [...one, ...two]) worker.stop();
  report({
    benchmark: 'ledger-processes',
    headline: `posting by two processes against one, batches of ${BATCH}, ${PARTITIONS} at a time, ${size.pairs} turns: median (min to max)`,
    settings: { ...size, accounts: ACCOUNTS, batch: BATCH, partitions: PARTITIONS },
    results: {
      'one process, transfers/s': spread(pairs.map(({ one: rate }) => rate)),
      'two processes, transfers/s': spread(pairs.map(({ two: rate }) => rate)),
      'two against one (gate: 1.0)': spread(pairs.map((rates) => rates.two / rates.one)),
    },
    broken: [...(await brokenBooks(ofOne)), ...(await brokenBooks(ofTwo))],
  });
}

async function work({ url, tenant, accounts, connections }: Setting): Promise<void> {
  const database = await openDatabase({ url, poolSize: connections, applicationName: 'bench' });
  const broker = { brokers: ['127.0.0.1:1'], clientId: 'bench' };
  const messaging = new Messaging({ broker, database, partitions: 'single' });
  let ready: ReturnType<typeof batchesOf> = [];
  process.on('message', (message: { readonly make?: number; readonly post?: true }) => {
    if (message.make !== undefined) ready = batchesOf({ tenant, accounts }, message.make / BATCH, BATCH);
    const done = message.post ? postOurs({ database, messaging }, ready, connections) : Promise.resolve();
    void done.then(() => process.send?.('done'));
  });
  process.once('disconnect', () => void database.close().then(() => process.exit()));
  process.send?.('ready');
}

if (process.argv[2] === 'worker') {
  process.once('message', ({ setting }: { readonly setting: Setting }) => void work(setting));
} else {
  const shape = { accounts: ACCOUNTS, connections: PARTITIONS };
  const open = () => openBenchBooks(process.env['POSTGRES_URL'] ?? '', shape);
  const [ofOne, ofTwo] = [await open(), await open()];
  await compare(ofOne, ofTwo);
  await ofOne.close();
  await ofTwo.close();
}
