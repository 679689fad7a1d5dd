import { statement, type Database } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { TcpProxy, createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  JOB_RIGHTS,
  JobQueue1764200500001,
  JobTables1764200500002,
  JobWorker,
  defineJob,
  enqueue,
  handled,
  listJobs,
  newJob,
  type JobRun,
} from './index.js';

configureLogging({ level: 'silent' });

const LEFT = statement('spec.held-jobs-left', 'select count(*)::integer as jobs from graphile_worker._private_jobs');
const WAITING = statement(
  'spec.enqueuing-that-waits',
  `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
);
const CLEAR = statement('spec.clear-held-jobs', 'delete from graphile_worker._private_jobs');

interface Work {
  readonly n: number;
}
const schema = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } }, additionalProperties: false };
const work = defineJob<Work>({ name: 'spec.held', schema, priority: 10, attempts_max: 3, timeLimit_ms: 20_000 });

let test: TestDatabase;
let db: Database;
beforeAll(async () => {
  test = await createTestDatabase('payments', [JobQueue1764200500001, JobTables1764200500002, JOB_RIGHTS]);
  db = test.database;
});
afterAll(() => test.drop());
afterEach(async () => void (await db.count(CLEAR)));

const put = (jobs: readonly ReturnType<typeof newJob>[]) => db.transaction((tx) => enqueue(tx, jobs));
const left = async () => (await db.rows<{ jobs: number }>(LEFT))[0]?.jobs;

describe('two that enqueue under the same keys', () => {
  it('replace what waits in one order, whatever theirs was, so that neither waits for the other', async () => {
    const both = (n: number) => ['b', 'a'].map((key) => newJob(work, { data: { n }, key, delay_ms: 600_000 }));
    await put(both(1));
    const other = new Client({ connectionString: test.adminUrl });
    await other.connect();
    const lock = (key: string, how = '') =>
      other.query(`select from graphile_worker._private_jobs where key = '${key}' for update ${how}`);
    try {
      await other.query('begin');
      await lock('a');
      const replaced = put(both(2));
      await until('it waits for the first', async () => (await db.rows(WAITING)).length > 0);
      await lock('b', 'nowait');
      await other.query('commit');
      await replaced;
    } finally {
      await other.end();
    }
    expect(await left()).toBe(2);
  });
});

describe('a worker that could not say for long that it lives', () => {
  it('does so before it looks who does not, and takes nothing from itself', async () => {
    let [words, looks] = [0, 0];
    let goOn: (value?: unknown) => void = () => undefined;
    const late = new Proxy(db, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (asked: { name?: string }, ...values: unknown[]) => {
          if (asked?.name === 'jobs.release-lost') looks++;
          // Whoever says so beside the upkeep is still stuck with a connection that is gone.
          if (asked?.name === 'jobs.seen' && words++ === 0) return new Promise((resolve) => (goOn = resolve));
          return (member as (...all: unknown[]) => unknown).call(target, asked, ...values);
        };
      },
    });
    const runs: number[] = [];
    let isEnough = false;
    const long = handled(work, async ({ data }: JobRun<Work>) => {
      runs.push(data.n);
      await until('it was looked at three times', async () => isEnough || looks >= 3, 15_000);
      isEnough = true;
    });
    const parts = { url: test.url, db: late, applicationName: 'jobs-spec', jobs: [long], unseen_max_ms: 1_000 };
    const worker = new JobWorker(parts);
    worker.start();
    try {
      await put([newJob(work, { data: { n: 1 } })]);
      await until('it is done', async () => isEnough && (await left()) === 0, 20_000);
    } finally {
      goOn();
      await worker.stop();
    }
    expect(runs).toEqual([1]);
  }, 30_000);

  describe('and lost its job', () => {
    const RELEASE =
      'select graphile_worker.force_unlock_workers(array (select locked_by from graphile_worker._private_jobs))';
    const HELD = statement('spec.held-jobs', 'select from graphile_worker._private_jobs where locked_by is not null');
    const runs: number[] = [];
    const worker = (first: () => Promise<void>, next: () => Promise<void>): JobWorker => {
      const job = handled(work, async ({ data }: JobRun<Work>) => {
        const begun_ms = performance.now();
        runs.push(data.n);
        if (data.n > 1) return next();
        await test.tamper(RELEASE);
        await first();
        await until('it has run so long that it may have lost its job', () => performance.now() - begun_ms > 1_000);
      });
      return new JobWorker({ url: test.url, db, applicationName: 'jobs-spec', jobs: [job], unseen_max_ms: 1_000 });
    };
    beforeEach(() => void (runs.length = 0));

    it('leaves alone what came in its place', async () => {
      let isEnding = false;
      const slow = worker(
        async () => {
          await put([newJob(work, { data: { n: 2 }, key: 'a', delay_ms: 600_000 })]);
          isEnding = true;
        },
        () => Promise.resolve(),
      );
      await put([newJob(work, { data: { n: 1 }, key: 'a' })]);
      slow.start();
      await until('its job is another', () => isEnding);
      await slow.stop();
      expect(runs).toEqual([1]);
      const jobs = await listJobs(db, { limit: 10 });
      expect(jobs).toMatchObject([{ state: 'scheduled', attempts: 0, last_error: null }]);
    });

    it('does not end what it has taken in its place itself', async () => {
      const slow = worker(
        async () => {
          await put([newJob(work, { data: { n: 2 }, key: 'a' })]);
          await until('it runs as well', () => runs.length > 1);
        },
        async () => {
          if (runs.length > 2) return;
          await until('the first has ended', async () => (await db.rows(HELD)).length === 0);
          throw new Error('it has to run again');
        },
      );
      await put([newJob(work, { data: { n: 1 }, key: 'a' })]);
      slow.start();
      try {
        await until('it has run again', async () => runs.length > 2 && (await left()) === 0, 20_000);
      } finally {
        await slow.stop();
      }
      expect(runs).toEqual([1, 2, 2]);
    }, 30_000);
  });
});

describe('jobs that were taken, and the reply lost', () => {
  let way: TcpProxy;
  let worker: JobWorker;
  const runs: { n: number; attempt: number }[] = [];
  beforeEach(async () => {
    runs.length = 0;
    way = new TcpProxy(new URL(test.url));
    await way.open();
    const job = handled(work, async ({ data, attempt }: JobRun<Work>) => void runs.push({ n: data.n, attempt }));
    worker = new JobWorker({ url: way.url, db, applicationName: 'jobs-spec', jobs: [job], unseen_max_ms: 1_000 });
  });
  afterEach(async () => {
    await worker.stop();
    await way.close();
  });

  it('are done by the same process, as if they had never been taken', async () => {
    await put([newJob(work, { data: { n: 1 }, key: 'a' }), newJob(work, { data: { n: 2 } })]);
    way.cutAfter = 'get_job';
    worker.start();
    await until('they are done', async () => (await left()) === 0, 20_000);
    expect(way.cuts).toBe(1);
    expect(runs.sort((a, b) => a.n - b.n)).toEqual([
      { n: 1, attempt: 1 },
      { n: 2, attempt: 1 },
    ]);
  }, 30_000);

  it('do not run beside what has replaced them', async () => {
    await put([newJob(work, { data: { n: 1 }, key: 'a' })]);
    way.cutAfter = 'get_job';
    worker.start();
    await until('it is taken, and nobody knows', () => way.cuts === 1);
    await put([newJob(work, { data: { n: 2 }, key: 'a' })]);
    await until('both have left the queue', async () => (await left()) === 0, 20_000);
    expect(runs).toEqual([{ n: 2, attempt: 1 }]);
  }, 30_000);

  it('are done also where its connection is never cut: a host that dies says nothing', async () => {
    await put([newJob(work, { data: { n: 1 } })]);
    way.silentAfter = 'get_job';
    worker.start();
    await until('it is done', async () => (await left()) === 0, 30_000);
    expect(way.silentAfter).toBeUndefined();
    expect(runs).toEqual([{ n: 1, attempt: 1 }]);
  }, 60_000);
});
