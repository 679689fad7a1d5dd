import { METRICS } from '@payflow/contracts';
import { PartitionMaintainer, sqlState, statement, type Database, type StepLeft } from '@payflow/database';
import { OncePerInterval, counter, gauge, logger } from '@payflow/telemetry';
import { Repeat } from './repeat.js';

const log = logger('housekeeping');
const partitionsAhead = gauge(
  METRICS.partitionsAhead,
  'Partitions that follow the present one without a gap. Below 3: nobody makes them any more.',
  ['table'] as const,
);
const stepsLeft = counter(
  METRICS.partitionStepsLeft,
  'Steps of the upkeep of partitions that had to be left for the next round, most often for want of a lock.',
  ['table', 'action'] as const,
);

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/**
 * Partitions made ahead: a service that cannot reach its database for days must still find today's when it is back. One more than
 * monitoring wants to see, because at midnight one of them becomes the present, up to an hour before the next is made.
 */
const PARTITIONS_AHEAD = 4;
const COUNT_INTERVAL_MS = 30_000;
const REPORT_INTERVAL_MS = 600_000;
/** Marks outlive the topics (7 days) by one day, as the outbox does: whatever can still be read can still be recognised. */
const KEPT_MS = 8 * DAY_MS;
/** As long as their copies in the dead-letter topics. */
const DEAD_LETTERS_KEPT_MS = 30 * DAY_MS;
const PRUNE_ROWS_MAX = 10_000;

// By row address: the limit keeps each round short, and the rows need not be found twice.
const PRUNE_INBOX = statement(
  'housekeeping.prune-inbox',
  `delete from inbox where ctid = any (array (select ctid from inbox where event_id < $1 limit ${PRUNE_ROWS_MAX}))`,
);
const PRUNE_DEAD_LETTERS = statement('housekeeping.prune-dead-letters', 'delete from dead_letters where last_at < $1');
const PRUNE_SUSPECTS = statement('housekeeping.prune-suspects', 'delete from suspects where first_at < $1');
const PRUNE_TALLIES = statement('housekeeping.prune-tallies', 'delete from received_tallies where day < $1');

/** Makes coming partitions and removes what has outlived its use: outbox days, inbox marks, dead letters, tallies. Hourly. */
export class Housekeeping {
  private first: Promise<void> = Promise.resolve();
  private readonly seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  private readonly counting = new Repeat(
    COUNT_INTERVAL_MS,
    () => this.countAhead(),
    (error) => this.seldom.run(() => log.warn({ err: error }, 'the partitions ahead could not be counted')),
  );

  private readonly rounds = new Repeat(
    HOUR_MS,
    () => this.run(),
    (error) => log.warn({ err: error }, 'a round of the housekeeping did not end'),
  );
  private readonly partitions: PartitionMaintainer;

  constructor(private readonly database: Database) {
    this.partitions = new PartitionMaintainer(database, PARTITIONS_AHEAD);
  }

  /** Makes the partitions the service needs now; the rest follows in the background, now and every hour. */
  async start(): Promise<void> {
    report(await this.partitions.ensurePresent());
    await this.countAhead().catch((error: unknown) =>
      log.warn({ err: error }, 'the partitions ahead are counted later'),
    );
    this.counting.start();
    this.first = this.run();
    this.rounds.start();
  }

  async close(): Promise<void> {
    await Promise.all([this.first, this.rounds.stop(), this.counting.stop()]);
  }

  /** Tells, as a metric, how many partitions lie ahead of each table that is partitioned by time. */
  async countAhead(): Promise<void> {
    for (const { table, partitions } of await this.partitions.countAhead()) partitionsAhead.set({ table }, partitions);
  }

  /** One round. What fails is logged and tried again at the next; it keeps nothing else from being done. */
  async run(now = new Date()): Promise<void> {
    const horizon = new Date(now.getTime() - KEPT_MS);
    const { database } = this;
    await attempt('keeping partitions', async () => report(await this.partitions.run()));
    await attempt('pruning the inbox', async () => {
      while ((await database.count(PRUNE_INBOX, [uuidFloor(horizon)])) === PRUNE_ROWS_MAX);
    });
    const deadHorizon = new Date(now.getTime() - DEAD_LETTERS_KEPT_MS);
    await attempt('pruning dead letters', () => database.count(PRUNE_DEAD_LETTERS, [deadHorizon]));
    await attempt('pruning suspects', () => database.count(PRUNE_SUSPECTS, [horizon]));
    await attempt('pruning tallies', () => database.count(PRUNE_TALLIES, [horizon]));
  }
}

function report(left: readonly StepLeft[]): void {
  for (const { step, error } of left) {
    stepsLeft.inc({ table: step.table, action: step.action });
    log.warn(
      { err: error, sqlstate: sqlState(error), ...step },
      'a step of the upkeep of partitions is left for the next round',
    );
  }
}

async function attempt(step: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.warn({ err: error, step }, 'a step of the housekeeping failed; it is tried again in an hour');
  }
}

/** The smallest UUIDv7 of a moment. */
function uuidFloor(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7000-8000-000000000000`;
}
