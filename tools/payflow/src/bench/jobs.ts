import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase, statement, type Database } from '@payflow/database';
import { JobWorker, defineJob, enqueue, handled, newJob, type JobDefinition } from '@payflow/jobs';
import { format, spread, treeCpu_us } from '@payflow/ledger/bench/measure';
import { openBenchDatabase } from './bench-database.js';

/**
 * Background work through the queue, on a durable server: jobs that do nothing and jobs that change one row, in turns. First as
 * many as it takes, enqueued a hundred to a transaction while the worker is at it; then 500 a second, each in a transaction of
 * its own, with the time from when it was planned to when it ran. Ends with 1 where fewer than 500 a second are done.
 */
const SIZES = { smoke: { jobs: 4_000, turns: 5, seconds: 6 }, full: { jobs: 20_000, turns: 7, seconds: 30 } };
const size = SIZES[process.argv[2] === 'full' ? 'full' : 'smoke'];
const serverUrl = process.env['POSTGRES_URL'] ?? '';
const serverPid = Number(process.env['POSTGRES_PID'] ?? 0);
const RATE_MIN = 500;
const BATCH = 100;
const COUNTERS = 1_000;
const MS_PER_S = 1_000;

interface Numbered {
  readonly n: number;
}
const facts = { schema: { type: 'object' }, priority: 0, attempts_max: 3, timeLimit_ms: 10_000, concurrency: 50 };
const idle = defineJob<Numbered>({ ...facts, name: 'bench.idle' });
const change = defineJob<Numbered>({ ...facts, name: 'bench.change' });

const CHANGE = statement('bench.change', 'update bench_counters set n = n + 1 where id = $1');
const LEFT = statement('bench.jobs-left', 'select count(*)::integer as jobs from graphile_worker._private_jobs');
const CHANGED = statement('bench.changed', 'select sum(n)::integer as changes from bench_counters');

const left = async (db: Database) => (await db.rows<{ jobs: number }>(LEFT))[0]?.jobs;

function cpu_us(): number {
  const { user, system } = process.cpuUsage();
  return user + system + treeCpu_us(serverPid);
}

interface Turn {
  readonly rate: number;
  readonly cpu_us: number;
}

/** All of them, from the first that is enqueued to the last that is gone from the queue. */
async function turn(db: Database, job: JobDefinition<Numbered>): Promise<Turn> {
  const [startedAt_ms, before_us] = [performance.now(), cpu_us()];
  for (let from = 0; from < size.jobs; from += BATCH)
    await db.transaction((tx) =>
      enqueue(
        tx,
        Array.from({ length: BATCH }, (_, at) => newJob(job, { data: { n: from + at } })),
      ),
    );
  while ((await left(db)) !== 0) await delay(5);
  const took_s = (performance.now() - startedAt_ms) / MS_PER_S;
  return { rate: size.jobs / took_s, cpu_us: (cpu_us() - before_us) / size.jobs };
}

/** From the instant that each was to be enqueued at to the one that it ran at, ms, ascending. */
async function paced(db: Database, ranAt_ms: Map<number, number>): Promise<number[]> {
  const count = RATE_MIN * size.seconds;
  const startedAt_ms = performance.now();
  const planned = (n: number) => startedAt_ms + (n * MS_PER_S) / RATE_MIN;
  const sent: Promise<void>[] = [];
  for (let n = 0; n < count; n++) {
    const wait_ms = planned(n) - performance.now();
    if (wait_ms > 1) await delay(wait_ms);
    sent.push(db.transaction((tx) => enqueue(tx, [newJob(change, { data: { n } })])));
  }
  await Promise.all(sent);
  while ((await left(db)) !== 0) await delay(5);
  return Array.from({ length: count }, (_, n) => (ranAt_ms.get(n) ?? Infinity) - planned(n)).sort((a, b) => a - b);
}

async function main(): Promise<void> {
  const { admin, serviceUrl, drop } = await openBenchDatabase(serverUrl, 'payments');
  await admin.query('create table bench_counters (id integer primary key, n integer not null) with (fillfactor = 50)');
  await admin.query(`insert into bench_counters select n, 0 from generate_series(0, ${COUNTERS - 1}) as n`);
  await admin.query(
    'do $$ begin execute format($g$grant select, update on bench_counters to %I$g$, current_database()); end $$',
  );
  const db = await openDatabase({ url: serviceUrl, poolSize: 8, applicationName: 'bench', acquireTimeout_ms: 30_000 });
  const ranAt_ms = new Map<number, number>();
  const worker = new JobWorker({
    url: serviceUrl,
    db,
    applicationName: 'bench:jobs',
    jobs: [
      handled(idle, async () => undefined),
      handled(change, async ({ data }) => {
        ranAt_ms.set(data.n, performance.now());
        await db.count(CHANGE, [data.n % COUNTERS]);
      }),
    ],
  });
  worker.start();
  const turns: { idle: Turn; change: Turn }[] = [];
  for (let at = -1; at < size.turns; at++) {
    const pair = { idle: await turn(db, idle), change: await turn(db, change) };
    // The first warms up.
    if (at >= 0) turns.push(pair);
  }
  const waits_ms = await paced(db, ranAt_ms);
  const changes = (await db.rows<{ changes: number }>(CHANGED))[0]?.changes ?? 0;
  const expected = size.jobs * (size.turns + 1) + RATE_MIN * size.seconds;
  await worker.stop();
  await db.close();
  await drop();
  report(
    turns,
    waits_ms,
    changes === expected ? 'each job was done once' : `${changes} changes by ${expected} jobs: the figures are void`,
  );
  if (changes !== expected) process.exitCode = 1;
}

function report(turns: readonly { idle: Turn; change: Turn }[], waits_ms: readonly number[], proof: string): void {
  const figures = {
    idle_per_s: spread(turns.map((each) => each.idle.rate)),
    change_per_s: spread(turns.map((each) => each.change.rate)),
    idle_cpu_us: spread(turns.map((each) => each.idle.cpu_us)),
    change_cpu_us: spread(turns.map((each) => each.change.cpu_us)),
    wait_p50_ms: waits_ms[Math.floor(waits_ms.length * 0.5)] ?? 0,
    wait_p99_ms: waits_ms[Math.floor(waits_ms.length * 0.99)] ?? 0,
  };
  process.stderr.write(
    `\njobs through the queue with COMMIT, ${size.jobs.toLocaleString('en')} a turn, ${turns.length} turns: median (min to max)\n` +
      `  nothing to do  ${format(figures.idle_per_s)} per s, ${format(figures.idle_cpu_us)} µs CPU each\n` +
      `  one UPDATE     ${format(figures.change_per_s)} per s, ${format(figures.change_cpu_us)} µs CPU each\n` +
      `  at ${RATE_MIN} per s, one to a transaction, for ${size.seconds} s: begun after ${figures.wait_p50_ms.toFixed(1)} ms (p50), ${figures.wait_p99_ms.toFixed(1)} ms (p99)\n` +
      `${proof}\n`,
  );
  process.stdout.write(`${JSON.stringify({ benchmark: 'jobs', settings: size, ...figures, proof })}\n`);
  if (figures.change_per_s.median < RATE_MIN || figures.idle_per_s.median < RATE_MIN) process.exitCode = 1;
}

await main();
