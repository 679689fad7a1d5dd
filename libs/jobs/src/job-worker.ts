import type { Database } from '@payflow/database';
import { logger } from '@payflow/telemetry';
import { Pool } from 'pg';
import { Crew } from './crew.js';
import {
  dropReplaced,
  forgetProgress,
  giveBack,
  leaveWorkers,
  readHeld,
  releaseLost,
  seeWorkers,
} from './database/job-worker.repository.js';
import { countJobs } from './database/job.repository.js';
import { SHARED_CONCURRENCY, type HandledJob } from './job.js';
import { countLost, showCounts } from './metrics.js';
import { ProgressBoard } from './progress.js';
import { Received } from './received.js';
import { Rounds } from './rounds.js';

const log = logger('jobs');

/** How often a process says that it lives, and looks at the queue. */
const SEEN_MS = 3_000;
/** Five words missed: it is gone, or it stands still. The library would give up what it held after four hours. */
const UNSEEN_MAX_MS = 15_000;
/** Nothing is taken before that: a run that ended within so much of it still had its job, with time to note it. */
const SAFE_SHARE = 2 / 3;
/** What runs has so long to end by itself when the process ends; then its signal comes. Within the whole drain of 14 s. */
const DRAIN_MS = 5_000;
/** Each crew listens on a connection of its own, and they share so many more to take jobs and to note their ends. */
const SHARED_CONNECTIONS = 2;
const ACQUIRE_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 10_000;
/**
 * The server ends a statement that takes too long; what stays silent beyond that is gone with its machine or its network. Without it
 * the statement that takes jobs waits a quarter of an hour, and its crew with it.
 */
const SILENCE_MS = 1_000;
/** A connection that only listens asks nothing: the kernel asks for it after so long, and gives it up ten unanswered questions later. */
const KEEP_ALIVE_MS = 10_000;

export interface JobWorkerOptions {
  /** The service's database: as its own role, which can install nothing. */
  readonly url: string;
  /** For what is noted beside the queue. */
  readonly db: Database;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly jobs: readonly HandledJob[];
  /** After how long a worker that is not seen is gone, and a reply that has not come never will, ms. */
  readonly unseen_max_ms?: number;
}

/**
 * Takes jobs from the queue of the service's database and runs them: at least once each, those with the smallest priority
 * first, again with growing pauses when they fail. Jobs with a concurrency of their own have hands of their own.
 */
export class JobWorker {
  private readonly clients: Pool;
  private readonly crews: readonly Crew[];
  private readonly received = new Received();
  /** Apart from each other: what reads the whole of a long queue must not keep it from saying that it lives. */
  private readonly rounds = [
    new Rounds(
      SEEN_MS,
      () => seeWorkers(this.options.db, this.ids()),
      (error) => log.warn({ err: error }, 'it could not be said that the workers live; it will be again'),
    ),
    new Rounds(
      SEEN_MS,
      () => this.upkeep(),
      (error) => log.warn({ err: error }, 'the queue could not be looked at; it will be again'),
    ),
  ];

  constructor(private readonly options: JobWorkerOptions) {
    const groups = groupsOf(options.jobs);
    this.clients = new Pool({
      connectionString: options.url,
      application_name: options.applicationName,
      max: groups.length + SHARED_CONNECTIONS,
      connectionTimeoutMillis: ACQUIRE_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS + SILENCE_MS,
      // A pipelined connection is dropped when its time is over. Any other goes back to the pool, which would hand it out again.
      pipeline: true,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    });
    // A connection whose server went away, idle or in use: another is opened, and without listeners the process would end.
    this.clients.on('error', () => undefined);
    this.clients.on('connect', (client) => client.on('error', () => undefined));
    const progress = new ProgressBoard(options.db);
    this.crews = groups.map(
      ({ jobs, concurrency }) =>
        new Crew({
          clients: this.clients,
          db: options.db,
          progress,
          jobs,
          concurrency,
          drain_ms: DRAIN_MS,
          received: this.received,
          safe_ms: (options.unseen_max_ms ?? UNSEEN_MAX_MS) * SAFE_SHARE,
          onStart: () => this.rounds.forEach((each) => each.begin()),
        }),
    );
  }

  /** Connections that it may hold beside the service's pools. */
  get connections(): number {
    return this.clients.options.max ?? 0;
  }

  onApplicationBootstrap(): void {
    this.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  start(): void {
    for (const crew of this.crews) crew.start();
  }

  /** Resolves when what ran has ended or was given back, and the connections are closed. */
  async stop(): Promise<void> {
    for (const each of this.rounds) each.halt();
    const stopped = await Promise.allSettled(this.crews.map((crew) => crew.stop()));
    for (const each of stopped)
      if (each.status === 'rejected') log.warn({ err: each.reason }, 'jobs were left to others');
    await Promise.all(this.rounds.map((each) => each.ended()));
    await leaveWorkers(this.options.db, this.ids()).catch(() => undefined);
    await this.clients.end();
  }

  /** Takes away what the dead held, and counts. */
  private async upkeep(): Promise<void> {
    const { db, jobs, unseen_max_ms = UNSEEN_MAX_MS } = this.options;
    // After a time in which nobody could say so, it must not take its own jobs from itself.
    await seeWorkers(db, this.ids());
    const lost = await releaseLost(db, unseen_max_ms);
    if (lost.length > 0) {
      countLost(lost.length);
      log.warn({ workers: lost }, 'workers are gone; what they held is taken by others');
    }
    await this.giveBackUnheard(unseen_max_ms);
    await dropReplaced(db);
    await forgetProgress(db);
    showCounts(
      jobs.map(({ job }) => job.name),
      await countJobs(db),
    );
  }

  /** Nobody else takes from it what it never heard that it holds: it lives, and says so. */
  private async giveBackUnheard(unheard_ms: number): Promise<void> {
    const { db } = this.options;
    const workers = this.ids();
    const jobs = await this.received.unheard(() => readHeld(db, workers));
    if (jobs.length === 0) return;
    const given = await giveBack(db, { jobs, workers, held_ms: unheard_ms });
    if (given > 0) log.warn({ jobs: given }, 'the reply that these jobs were taken with was lost; they are given back');
  }

  private ids(): string[] {
    return this.crews.flatMap(({ id }) => id ?? []);
  }
}

function groupsOf(jobs: readonly HandledJob[]): { jobs: HandledJob[]; concurrency: number }[] {
  const names = jobs.map(({ job }) => job.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice) throw new Error(`two do the job ${twice}`);
  const own = jobs.flatMap((each) =>
    each.job.concurrency === undefined ? [] : [{ jobs: [each], concurrency: each.job.concurrency }],
  );
  const shared = jobs.filter(({ job }) => job.concurrency === undefined);
  return shared.length > 0 ? [...own, { jobs: shared, concurrency: SHARED_CONCURRENCY }] : own;
}
