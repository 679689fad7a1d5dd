import { METRICS } from '@payflow/contracts';
import {
  PartitionMaintainer,
  sqlState,
  statement,
  type Database,
  type PartitionsAhead,
  type StepLeft,
} from '@payflow/database';
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
/**
 * Partitions made ahead: a service that cannot reach its database for days must still find today's when it is back. One more than
 * monitoring wants to see, because at midnight one of them becomes the present, up to an hour before the next is made.
 */
const PARTITIONS_AHEAD = 4;
const COUNT_INTERVAL_MS = 30_000;
const REPORT_INTERVAL_MS = 600_000;
const KEPT_DAYS = 8;
/**
 * Whatever can still be read must still be recognised: an outbox keeps a message for up to 9 days, and one that is sent again on its
 * last has its id of then, while topics keep a record for 7 days, and for up to one more until the segment that it lies in has ended.
 */
const INBOX_KEPT_DAYS = 19;
/** Those that were replayed, as long as their copies in the dead-letter topics. The others are missing somewhere, and say where. */
const DEAD_LETTERS_KEPT_DAYS = 30;
const PRUNE_ROWS_MAX = 10_000;

// What is old is old by the database's clock, which is one: a process whose own is ahead would take from all the others what they need.
// By row address: the limit keeps each round short, and the rows need not be found twice.
const PRUNE_INBOX = statement(
  'housekeeping.prune-inbox',
  `delete from inbox where ctid = any (array (
     select ctid from inbox where event_id < ${uuidFloor(`now() - interval '${INBOX_KEPT_DAYS} days'`)} limit ${PRUNE_ROWS_MAX}))`,
);
const PRUNE_DEAD_LETTERS = statement(
  'housekeeping.prune-dead-letters',
  `delete from dead_letters where state in ('replayed', 'settled') and last_at < now() - interval '${DEAD_LETTERS_KEPT_DAYS} days'`,
);
const PRUNE_SUSPECTS = statement(
  'housekeeping.prune-suspects',
  `delete from suspects where first_at < now() - interval '${KEPT_DAYS} days'`,
);
const PRUNE_TALLIES = statement(
  'housekeeping.prune-tallies',
  `delete from received_tallies where day < (now() at time zone 'UTC')::date - ${KEPT_DAYS}`,
);

/** Makes coming partitions and removes what has outlived its use: outbox days, inbox marks, dead letters, tallies. Hourly. */
export class Housekeeping {
  private closed = false;
  private first: Promise<void> = Promise.resolve();
  private readonly seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  private readonly counting = new Repeat(
    COUNT_INTERVAL_MS,
    () => this.look(),
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

  /** Begins nothing more, however much is left, and waits for what is at work: the end of a process has seconds, a backlog takes hours. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([this.first, this.rounds.stop(), this.counting.stop()]);
  }

  /** Tells, as a metric, how many partitions lie ahead of each table that is partitioned by time; of none where it cannot be counted. */
  async countAhead(): Promise<readonly PartitionsAhead[]> {
    const ahead = await this.partitions.countAhead().catch((error: unknown) => {
      partitionsAhead.reset();
      throw error;
    });
    for (const { table, partitions } of ahead) partitionsAhead.set({ table }, partitions);
    return ahead;
  }

  /**
   * Counts, and where the present has no partition makes it at once: a machine that has slept for longer than partitions lie ahead,
   * or whose clock was set, would else refuse whatever is to be written for up to an hour.
   */
  async look(): Promise<void> {
    if ((await this.countAhead()).every(({ partitions }) => partitions >= 0)) return;
    report(await this.partitions.run(({ action }) => !this.closed && (action === 'make' || action === 'attach')));
    await this.countAhead();
  }

  /** One round. What fails is logged and tried again at the next; it keeps nothing else from being done. */
  async run(): Promise<void> {
    const { database } = this;
    await this.attempt('keeping partitions', async () => report(await this.partitions.run(() => !this.closed)));
    await this.attempt('pruning the inbox', async () => {
      while ((await database.count(PRUNE_INBOX)) === PRUNE_ROWS_MAX && !this.closed);
    });
    await this.attempt('pruning dead letters', () => database.count(PRUNE_DEAD_LETTERS));
    await this.attempt('pruning suspects', () => database.count(PRUNE_SUSPECTS));
    await this.attempt('pruning tallies', () => database.count(PRUNE_TALLIES));
  }

  private async attempt(step: string, work: () => Promise<unknown>): Promise<void> {
    if (this.closed) return;
    try {
      await work();
    } catch (error) {
      log.warn({ err: error, step }, 'a step of the housekeeping failed; it is tried again in an hour');
    }
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

/** SQL of the smallest UUIDv7 of a moment. */
function uuidFloor(moment: string): string {
  return `(lpad(to_hex((extract(epoch from ${moment}) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid`;
}
