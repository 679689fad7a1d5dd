import type { ConnectionPool } from '../pool/connection-pool.js';
import { Transaction } from '../transaction.js';
import { statement } from '../statement.js';
import { PrimaryPosition } from './position.js';

/** Why a replica gets no reads. */
export type Absence = 'unknown' | 'unreachable' | 'promoted' | 'of_another_cluster' | 'of_another_timeline' | 'lagging';

interface Replayed {
  readonly is_replica: boolean;
  readonly replayed: bigint | null;
  readonly system: bigint;
  readonly timeline: string;
}

/** What a replica must follow: the primary's cluster, and the history that the primary writes. */
export interface Followed {
  readonly system: bigint;
  readonly timeline: string;
}

/** A look that takes longer finds a server that is stopped, or as good as that. */
const LOOK_TIMEOUT_MS = 500;

// The timeline as far as it has put that on its disk: of one that follows a primary which has just taken over that is known when it has
// written a page of what came since, or at its next checkpoint. One that went on behind the old primary never says so.
const LOOK = statement(
  'database.replica-position',
  `select pg_is_in_recovery() as is_replica, (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint as replayed,
     (select system_identifier from pg_control_system()) as system,
     lpad(upper(to_hex(greatest((select timeline_id from pg_control_checkpoint()),
       (select min_recovery_end_timeline from pg_control_recovery())))), 8, '0') as timeline`,
);

/** One replica: up to where it has replayed the primary's log, and how many reads it is at work on. */
export class Replica {
  active = 0;
  given = 0;
  absence: Absence | undefined = 'unknown';
  /** What it has replayed at least; while it gets reads it only grows. */
  replayed = 0n;
  private readonly position: PrimaryPosition;

  constructor(
    /** `host:port`. */
    readonly name: string,
    readonly weight: number,
    readonly connections: ConnectionPool,
    /** One of its own for looks: reads that take long must not make it look dead. */
    private readonly looks: ConnectionPool,
  ) {
    this.position = new PrimaryPosition(() => this.look());
  }

  /** Another primary has taken over: whether it follows that one is seen at the next check. */
  forget(): void {
    this.absence = 'unknown';
  }

  /** Asks it how far it is. What makes it unfit is kept in `absence`. */
  async check({ system, timeline }: Followed): Promise<void> {
    try {
      const seen = await inTime(this.seen());
      if (!seen.is_replica) this.absence = 'promoted';
      else if (seen.system !== system) this.absence = 'of_another_cluster';
      else if (seen.timeline !== timeline) this.absence = 'of_another_timeline';
      else if (this.absence !== 'lagging') this.absence = undefined;
    } catch {
      this.absence = 'unreachable';
    }
    // What it was asked before would hang with it; the reads go to the primary instead.
    if (this.absence === 'unreachable') for (const pool of [this.connections, this.looks]) pool.abandon();
  }

  /** How far it is now; those who ask at the same moment share an answer. Throws when it is no replica any more. */
  now(): Promise<bigint> {
    return this.position.now();
  }

  /** Takes a place for a read; whoever has taken it gives it back with `active--`. */
  take(): this {
    this.active++;
    this.given++;
    return this;
  }

  /** Whether it may be asked and has a connection free: to wait for one is no better than to ask the primary. */
  get isFit(): boolean {
    return this.absence === undefined && this.active < this.connections.max;
  }

  async close(): Promise<void> {
    await Promise.all([this.connections.close(), this.looks.close()]);
  }

  private async look(): Promise<bigint> {
    const { is_replica } = await inTime(this.seen());
    if (!is_replica) {
      this.absence = 'promoted';
      throw new Error(`${this.name} is no replica any more`);
    }
    return this.replayed;
  }

  private async seen(): Promise<Replayed> {
    const [row] = await this.looks.withClient(LOOK, (client) => new Transaction(client).rows<Replayed & object>(LOOK));
    const { replayed } = row as Replayed;
    // Answers may overtake each other. One that was away may have been rewound, or made anew from a backup: it is where it says.
    const wasAway = this.absence !== undefined && this.absence !== 'lagging';
    if (replayed !== null && (wasAway || replayed > this.replayed)) this.replayed = replayed;
    return row as Replayed;
  }
}

async function inTime<T>(look: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the replica did not answer')), LOOK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([look, late]);
  } finally {
    clearTimeout(timer);
  }
}
