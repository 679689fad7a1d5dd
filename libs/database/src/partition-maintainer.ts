import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from './database.js';
import { isConnectionLoss, isSerializationConflict, sqlState } from './errors.js';
import { statement } from './statement.js';

/** One step of the upkeep; what each of them does stands above `PARTITION_UPKEEP`. */
export interface PartitionStep {
  readonly action: 'finalize' | 'make' | 'attach' | 'detach' | 'drop';
  readonly table: string;
  readonly partition: string;
}

/** A step that could not be done by now, and why. */
export interface StepLeft {
  readonly step: PartitionStep;
  readonly error: unknown;
}

export interface PartitionsAhead {
  readonly table: string;
  readonly partitions: number;
}

/** Longer than any step can take, short enough that a maintainer that was killed is soon followed by another. */
const LEASE_S = 30;
/** Together some 2.5 s: what cannot have its lock by then is left for the next round. */
const ATTEMPTS_MAX = 3;
const RETRY_JITTER_MS = 500;
const START_DEADLINE_MS = 30_000;
const LOCK_NOT_AVAILABLE = '55P03';

const DUE = statement(
  'partitions.due',
  'select action, parent as "table", part as "partition" from partitions_due($1)',
);
const STEP = statement('partitions.step', 'select partition_step($1, $2, $3) as done');
const AHEAD = statement('partitions.ahead', 'select table_name as "table", partitions from partitions_ahead()');
// No lease is a minute long: the clock that gave such a one was ahead and has been set right, and its holder may be gone.
const LEASE = statement(
  'partitions.lease',
  `update partition_lease set holder = $1, held_until = clock_timestamp() + $2 * interval '1 second'
   where holder = $1 or held_until < clock_timestamp() or held_until > clock_timestamp() + interval '1 minute'`,
);
const RELEASE = statement(
  'partitions.release',
  `update partition_lease set held_until = '-infinity' where holder = $1`,
);

/**
 * Keeps the partitions of one service's tables: those to come are there before a row needs them, and those that have outlived
 * their use go. One process at a time does it, by a lease; each step is a transaction of its own, and the next run goes on from
 * whichever step the last one ended with.
 */
export class PartitionMaintainer {
  private readonly holder = randomUUID();

  constructor(
    private readonly database: Database,
    /** Steps after the present one that have a partition. */
    private readonly ahead: number,
  ) {}

  /** Steps that are due now, in the order in which they are done. */
  due(): Promise<PartitionStep[]> {
    return this.database.rows<PartitionStep>(DUE, [this.ahead]);
  }

  /** How many steps after the present one have their partition, without a gap; -1 where the present has none. */
  countAhead(): Promise<PartitionsAhead[]> {
    return this.database.rows<PartitionsAhead>(AHEAD);
  }

  /**
   * Resolves when each table has a partition for the present, whoever made it. Throws what stood in the way for 30 s: a start in
   * a crowd, where no connection is free or comes about for a second, is no reason to end a service.
   */
  async ensurePresent(): Promise<StepLeft[]> {
    for (const until_ms = performance.now() + START_DEADLINE_MS; ;) {
      const { left, isThere, error } = await this.presentNow();
      if (isThere) return left;
      if (performance.now() > until_ms)
        throw error ?? left[0]?.error ?? new Error('nobody makes the partitions of the present');
      await delay(Math.random() * RETRY_JITTER_MS);
    }
  }

  private async presentNow(): Promise<{ left: StepLeft[]; isThere: boolean; error?: unknown }> {
    try {
      const left = await this.run(({ action }) => action === 'make' || action === 'attach');
      return { left, isThere: (await this.countAhead()).every(({ partitions }) => partitions >= 0) };
    } catch (error) {
      if (!isConnectionLoss(error)) throw error;
      return { left: [], isThere: false, error };
    }
  }

  /** Does what is due and wanted, unless another process is at it. Tells what had to be left for the next time. */
  async run(isWanted: (step: PartitionStep) => boolean = () => true): Promise<StepLeft[]> {
    const left: StepLeft[] = [];
    for await (const each of this.steps(isWanted)) if ('error' in each) left.push(each);
    await this.database.count(RELEASE, [this.holder]);
    return left;
  }

  /** The steps as they are done, one transaction each. Whoever stops asking stops as if killed: the lease runs out by itself. */
  async *steps(
    isWanted: (step: PartitionStep) => boolean = () => true,
  ): AsyncGenerator<PartitionStep | StepLeft, void> {
    const left = new Set<string>();
    for (let due = await this.due(); ; due = await this.due()) {
      const open = due.filter((step) => isWanted(step) && !left.has(keyOf(step)));
      if (open.length === 0) return;
      for (const step of open) {
        // Asked again: the process may have begun to end, and one step alone can take seconds.
        if (!isWanted(step)) continue;
        if (!(await this.holdsLease())) return;
        const error = await this.failureOf(step);
        if (error) left.add(keyOf(step));
        yield error ? { step, error } : step;
      }
    }
  }

  private async holdsLease(): Promise<boolean> {
    return (await this.database.count(LEASE, [this.holder, LEASE_S])) === 1;
  }

  /** Tries one step, some times where somebody holds what it must lock. A step that another has done meanwhile is no failure. */
  private async failureOf({ action, partition }: PartitionStep): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.database.rows(STEP, [this.ahead, action, partition]);
        return undefined;
      } catch (error) {
        if (isConnectionLoss(error)) throw error;
        const isHeldUp = sqlState(error) === LOCK_NOT_AVAILABLE || isSerializationConflict(error);
        if (!isHeldUp || attempt >= ATTEMPTS_MAX) return error;
        await delay(Math.random() * RETRY_JITTER_MS);
      }
    }
  }
}

function keyOf({ action, partition }: PartitionStep): string {
  return `${action} ${partition}`;
}
