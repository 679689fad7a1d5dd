import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { context, trace, TraceFlags } from '@opentelemetry/api';
import { SqlMigration, statement, type Database } from '@payflow/database';
import { activeTraceId, configureLogging, renderMetrics, startTelemetry } from '@payflow/telemetry';
import { createTestDatabase, statementsOf, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  JOB_RIGHTS,
  JobHopeless,
  JobQueue1764200500001,
  JobTables1764200500002,
  JobWorker,
  defineJob,
  discardJobs,
  enqueue,
  handled,
  listJobs,
  newJob,
  redriveJobs,
  showJob,
  type HandledJob,
  type JobDefinition,
  type JobRun,
} from './index.js';

configureLogging({ level: 'silent' });

class Effects1764200599999 extends SqlMigration {
  readonly sql =
    'create table effects (id bigint generated always as identity primary key, n integer not null, worker text not null)';
}
const ADD = statement('spec.add-effect', 'insert into effects (n, worker) values ($1, $2)');
const EFFECTS = statement('spec.effects', 'select n, worker from effects order by id');
const LEFT = statement('spec.jobs-left', 'select count(*)::integer as jobs from graphile_worker._private_jobs');
const WAITING = statement(
  'spec.jobs-that-wait',
  `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
);
const UPKEEP_WAITING = statement(
  'spec.upkeep-waits',
  `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() and query like 'delete from job_progress%'`,
);
const SEEN_AT = statement('spec.seen-at', 'select seen_at as at from job_workers order by seen_at desc limit 1');
const CLEAR = statement('spec.clear-jobs', 'delete from graphile_worker._private_jobs');

interface Work {
  readonly n: number;
}
const schema = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } }, additionalProperties: false };
const work = defineJob<Work>({ name: 'spec.work', schema, priority: 10, attempts_max: 3, timeLimit_ms: 20_000 });
const single = defineJob<Work>({ ...work, name: 'spec.single', concurrency: 1 });

let test: TestDatabase;
let db: Database;
let workers: JobWorker[] = [];

beforeAll(async () => {
  startTelemetry({ service: 'jobs-spec', exporter: 'none' });
  const migrations = [JobQueue1764200500001, JobTables1764200500002, Effects1764200599999];
  test = await createTestDatabase('payments', [...migrations, { ...JOB_RIGHTS, effects: { delete: true } }]);
  db = test.database;
});
afterAll(() => test.drop());
beforeEach(() => test.tamper('delete from effects'));
afterEach(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  workers = [];
  await db.count(CLEAR);
});

function start(jobs: readonly HandledJob[], more: { unseen_max_ms?: number } = {}): JobWorker {
  const worker = new JobWorker({ url: test.url, db, applicationName: 'jobs-spec', jobs, ...more });
  worker.start();
  workers.push(worker);
  return worker;
}
const add = (n: number, worker = 'spec') => db.count(ADD, [n, worker]);
const noting = (job: JobDefinition<Work>, worker = 'spec') =>
  handled(job, async ({ data }: JobRun<Work>) => void (await add(data.n, worker)));
const put = (jobs: readonly ReturnType<typeof newJob>[]) => db.transaction((tx) => enqueue(tx, jobs));
const effects = async () => (await db.rows<{ n: number; worker: string }>(EFFECTS)).map(({ n }) => n);
const left = async () => (await db.rows<{ jobs: number }>(LEFT))[0]?.jobs;
const by = { actor: 'spec', reason: 'it was mended' };
const DECISIONS = statement('spec.job-decisions', 'select decision, actor, data from job_decisions order by id');
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('enqueuing', () => {
  it('is one statement for one job and for many', async () => {
    const one = await statementsOf(() => put([newJob(work, { data: { n: 1 } })]));
    const many = await statementsOf(() => put(numbers(500).map((n) => newJob(work, { data: { n } }))));
    expect(one).toEqual(['jobs.enqueue']);
    expect(many).toEqual(one);
    expect(await left()).toBe(501);
  });

  it('is undone with its transaction, and done with its COMMIT', async () => {
    start([noting(work)]);
    const undone = db.transaction(async (tx) => {
      await enqueue(tx, [newJob(work, { data: { n: 1 } })]);
      throw new Error('no');
    });
    await expect(undone).rejects.toThrow('no');
    await put([newJob(work, { data: { n: 2 } })]);
    await until('the second is done', async () => (await left()) === 0);
    expect(await effects()).toEqual([2]);
  });

  it('refuses data that breaks the schema, before COMMIT', async () => {
    await expect(put([newJob(work, { data: { n: 'x' } as never })])).rejects.toThrow('/n must be integer');
    expect(await left()).toBe(0);
  });

  it('keeps one job with a key: the last word on it, at its time', async () => {
    await put([newJob(work, { data: { n: 1 }, key: 'a', delay_ms: 600_000 })]);
    await put([newJob(work, { data: { n: 2 }, key: 'a' }), newJob(work, { data: { n: 3 }, key: 'a' })]);
    expect(await left()).toBe(1);
    start([noting(work)]);
    await until('it is done', async () => (await left()) === 0);
    expect(await effects()).toEqual([3]);
  });

  it('tells the next run how often it was put off', async () => {
    const seen: number[] = [];
    const again = (putOff: number) => put([newJob(work, { data: { n: 1 }, key: 'a', putOff })]);
    start([
      handled(work, async ({ putOff }: JobRun<Work>) => {
        seen.push(putOff);
        if (putOff < 2) await again(putOff + 1);
      }),
    ]);
    await put([newJob(work, { data: { n: 1 }, key: 'a' })]);
    await until('it is done', async () => (await left()) === 0);
    expect(seen).toEqual([0, 1, 2]);
  });

  it('follows a job that runs under the key, and what it replaced is not dead when it fails', async () => {
    const runs: number[] = [];
    start([
      handled(work, async ({ data }: JobRun<Work>) => {
        runs.push(data.n);
        if (data.n === 2) return;
        await put([newJob(work, { data: { n: 2 }, key: 'a' })]);
        throw new Error('too late to matter');
      }),
    ]);
    await put([newJob(work, { data: { n: 1 }, key: 'a' })]);
    await until('both have left the queue', async () => (await left()) === 0);
    expect(runs).toEqual([1, 2]);
  });

  it('follows a job that is taken while it would be replaced', async () => {
    await put([newJob(work, { data: { n: 1 }, key: 'a' })]);
    const taker = new Client({ connectionString: test.adminUrl });
    await taker.connect();
    try {
      await taker.query('begin');
      await taker.query(
        `update graphile_worker._private_jobs set locked_at = now(), locked_by = 'spec' where key = 'a'`,
      );
      const replaced = put([newJob(work, { data: { n: 2 }, key: 'a' })]);
      await until('it waits for the taker', async () => (await db.rows(WAITING)).length > 0);
      await taker.query('commit');
      await replaced;
    } finally {
      await taker.end();
    }
    expect((await listJobs(db, { limit: 10 })).map(({ state }) => state).sort()).toEqual(['ready', 'running']);
  });
});

describe('running', () => {
  it('does each job once, with fifty hands in five workers', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) start([noting(work, name)]);
    for (let batch = 0; batch < 10; batch++)
      await put(numbers(100).map((n) => newJob(work, { data: { n: batch * 100 + n } })));
    await until('all are done', async () => (await left()) === 0);
    expect((await effects()).sort((a, b) => a - b)).toEqual(numbers(1_000));
  });

  it('takes the smaller priority first, and waits for those of later', async () => {
    await put([
      newJob(single, { data: { n: 3 }, priority: 30 }),
      newJob(single, { data: { n: 1 }, priority: 1 }),
      newJob(single, { data: { n: 4 }, delay_ms: 1_500, priority: 0 }),
      newJob(single, { data: { n: 2 } }),
    ]);
    start([noting(single)]);
    await until('all are done', async () => (await left()) === 0);
    expect(await effects()).toEqual([1, 2, 3, 4]);
  });

  it('goes on in the trace that it was enqueued in', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const parent = { traceId, spanId: 'b7ad6b7169203331', traceFlags: TraceFlags.SAMPLED };
    const traces: (string | undefined)[] = [];
    start([handled(work, async () => void traces.push(activeTraceId()))]);
    await context.with(trace.setSpanContext(context.active(), parent), () => put([newJob(work, { data: { n: 1 } })]));
    await put([newJob(work, { data: { n: 2 }, traceparent: `00-${traceId}-b7ad6b7169203331-01` })]);
    await until('both ran', () => traces.length === 2);
    expect(traces).toEqual([traceId, traceId]);
  });

  it('runs again with pauses until it is dead; it is listed without secrets, and can be driven again or discarded', async () => {
    let isWell = false;
    const hopeless = new JobHopeless('Bearer abcdefghijklmnop was refused');
    start([
      handled(work, async () => {
        if (!isWell) throw hopeless;
      }),
    ]);
    await put([newJob(work, { data: { n: 1 } }), newJob(work, { data: { n: 2 } })]);
    const dead = await until('both are dead', async () => {
      const listed = await listJobs(db, { state: 'dead', limit: 10 });
      return listed.length === 2 && listed;
    });
    expect(dead[0]).toMatchObject({ name: 'spec.work', attempts: 3, attempts_max: 3 });
    expect(dead[0]?.last_error).toBe('JobHopeless: Bearer [redacted] was refused');
    const [first, second] = dead.map(({ id }) => id) as [string, string];
    expect(await showJob(db, first)).toMatchObject({ state: 'dead', data: { n: 1 } });
    expect(await discardJobs(db, [second, '999999'], by)).toBe(1);
    isWell = true;
    expect(await redriveJobs(db, [first], by)).toBe(1);
    await until('it is done', async () => (await left()) === 0);
    expect(await redriveJobs(db, [first], by)).toBe(0);
    expect(await db.rows(DECISIONS)).toEqual([
      { decision: 'discarded', actor: 'spec', data: { n: 2 } },
      { decision: 'redriven', actor: 'spec', data: { n: 1 } },
    ]);
  });

  it('runs again after an error, later than at once', async () => {
    const runs: { attempt: number; at_ms: number }[] = [];
    start([
      handled(work, async ({ attempt }) => {
        runs.push({ attempt, at_ms: performance.now() });
        if (attempt === 1) throw new Error('not yet');
      }),
    ]);
    await put([newJob(work, { data: { n: 1 } })]);
    await until('it is done', async () => (await left()) === 0);
    expect(runs.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect((runs[1]?.at_ms ?? 0) - (runs[0]?.at_ms ?? 0)).toBeGreaterThan(1_000);
  });

  it('tells a run that its time is over, and gives it up when it does not listen', async () => {
    const short = defineJob<Work>({ ...work, name: 'spec.short', attempts_max: 1, timeLimit_ms: 50 });
    let told = false;
    start([
      handled(short, ({ signal }) => {
        signal.addEventListener('abort', () => (told = true));
        return new Promise(() => undefined);
      }),
    ]);
    await put([newJob(short, { data: { n: 1 } })]);
    const [dead] = await until('it is dead', async () => {
      const listed = await listJobs(db, { state: 'dead', limit: 1 });
      return listed.length === 1 && listed;
    });
    expect(told).toBe(true);
    expect(dead?.last_error).toContain('JobOverdue');
  });

  it('shows how far a long run is, and how the queue stands', async () => {
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    start([
      handled(work, async (run) => {
        run.progress(10);
        run.progress(40);
        await ended;
      }),
    ]);
    await put([newJob(work, { data: { n: 1 } }), newJob(single, { data: { n: 2 } })]);
    const [running] = await until('its progress is noted', async () => {
      const listed = await listJobs(db, { state: 'running', name: 'spec.work', limit: 1 });
      return listed[0]?.percent === 40 && listed;
    });
    expect(running?.attempts).toBe(1);
    await until('it is in the metrics', async () => {
      const { body } = await renderMetrics();
      return (
        body.includes('payflow_jobs{job="spec.work",state="running"} 1') &&
        body.includes('payflow_jobs{job="spec.single",state="ready"} 1')
      );
    });
    end();
    await until('it is done', async () => (await left()) === 1);
  });
});

describe('a worker that is long at its upkeep', () => {
  it('says that it lives all the while', async () => {
    start([noting(work)]);
    const seenAt = async () => (await db.rows<{ at: Date }>(SEEN_AT))[0]?.at.getTime();
    const first = await until('it is seen', seenAt);
    const slow = new Client({ connectionString: test.adminUrl });
    await slow.connect();
    try {
      await slow.query('begin');
      await slow.query('lock table job_progress');
      await until('its upkeep waits', async () => (await db.rows(UPKEEP_WAITING)).length > 0);
      const before = (await seenAt()) ?? first;
      // Sooner than the statement that waits is given up.
      await until('it is seen again', async () => ((await seenAt()) ?? 0) > before, 8_000);
    } finally {
      await slow.end();
    }
  });
});

describe('a server that drops its connections', () => {
  it('ends no process, and no job is lost', async () => {
    start([noting(work)]);
    await put([newJob(work, { data: { n: 1 } })]);
    await until('one is done', async () => (await left()) === 0);
    await test.tamper(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'jobs-spec' and datname = current_database()`,
    );
    await until('another can be put', () =>
      put([newJob(work, { data: { n: 2 } })]).then(
        () => true,
        () => false,
      ),
    );
    await until('it is done', async () => (await effects()).includes(2));
  });
});

describe('the end of a process', () => {
  it('waits for what runs, tells it in the end, and gives back what it held without holding it against it', async () => {
    let begun = 0;
    const worker = start([
      handled(single, ({ signal }) => {
        begun++;
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('interrupted'))));
      }),
    ]);
    await put(numbers(3).map((n) => newJob(single, { data: { n } })));
    await until('one runs', () => begun === 1);
    await worker.stop();
    workers = [];
    const listed = await listJobs(db, { limit: 10 });
    expect(listed.map(({ state, attempts }) => [state === 'running', attempts])).toEqual(Array(3).fill([false, 0]));
    start([noting(single)]);
    await until('all are done', async () => (await left()) === 0);
    expect((await effects()).sort()).toEqual([0, 1, 2]);
  });

  it('does not bring back a job that another has replaced while it ran', async () => {
    let isBegun = false;
    const worker = start([
      handled(work, ({ signal }) => {
        isBegun = true;
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('interrupted'))));
      }),
    ]);
    await put([newJob(work, { data: { n: 1 }, key: 'a' })]);
    await until('it runs', () => isBegun);
    await put([newJob(work, { data: { n: 2 }, key: 'a', delay_ms: 600_000 })]);
    await worker.stop();
    workers = [];
    const listed = await listJobs(db, { limit: 10 });
    expect(listed.map(({ state }) => state).sort()).toEqual(['dead', 'scheduled']);
  });

  it('by kill -9 gives its jobs to others within seconds', async () => {
    await put([newJob(work, { data: { n: 7 } })]);
    const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD], {
      env: { ...process.env, CHILD_DATABASE_URL: test.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    expect((await listJobs(db, { state: 'running', limit: 1 })).length).toBe(1);
    start([noting(work)], { unseen_max_ms: 2_000 });
    await until('another has done it', async () => (await left()) === 0);
    expect(await effects()).toEqual([7]);
  });
});

/** A process that takes the job and never ends it. */
const CHILD = `
import { openDatabase } from '@payflow/database';
import { JobWorker, defineJob, handled } from '@payflow/jobs';
const url = process.env.CHILD_DATABASE_URL;
const job = defineJob({ name: 'spec.work', schema: {}, priority: 10, attempts_max: 3, timeLimit_ms: 20_000 });
const db = await openDatabase({ url, poolSize: 1, applicationName: 'jobs-child' });
const handle = () => { process.stdout.write('taken'); return new Promise(() => undefined); };
new JobWorker({ url, db, applicationName: 'jobs-child', jobs: [handled(job, handle)] }).start();
`;
