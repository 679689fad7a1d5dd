import type { PoolClient } from 'pg';
import type { Taker } from './taker.js';

/** A connection that somebody has. */
export interface Lease {
  readonly client: PoolClient;
  /** `performance.now()` of when it was taken. */
  readonly since_ms: number;
  readonly by: Taker;
  isReported: boolean;
}

/** A lease that has lasted for longer than any work of ours should. */
export interface Leak {
  readonly held_ms: number;
  /** A stack, or a statement's name. */
  readonly by: string;
}

/** Who has connections of a pool, for how long, and how much of the time they have had them. */
export class Leases {
  private readonly open = new Set<Lease>();
  private busy_ms = 0;
  private countedAt_ms = performance.now();

  begin(lease: Lease): Lease {
    this.open.add(lease);
    return lease;
  }

  /** False where it had ended before. */
  end(lease: Lease): boolean {
    if (!this.open.delete(lease)) return false;
    this.busy_ms += performance.now() - Math.max(lease.since_ms, this.countedAt_ms);
    return true;
  }

  clients(): PoolClient[] {
    return [...this.open].map(({ client }) => client);
  }

  /** Those that have lasted for too long, each told of once. */
  leaks(after_ms: number): Leak[] {
    const now_ms = performance.now();
    const leaks: Leak[] = [];
    for (const lease of this.open) {
      const held_ms = now_ms - lease.since_ms;
      // In the order in which they were taken: those that follow are younger.
      if (held_ms < after_ms) break;
      if (lease.isReported) continue;
      lease.isReported = true;
      leaks.push({
        held_ms: Math.round(held_ms),
        by: lease.by instanceof Error ? (lease.by.stack ?? '') : lease.by.name,
      });
    }
    return leaks;
  }

  /** How many connections were in use on average since this was last asked. */
  averageInUse(): number {
    const now_ms = performance.now();
    let busy_ms = this.busy_ms;
    for (const lease of this.open) busy_ms += now_ms - Math.max(lease.since_ms, this.countedAt_ms);
    const span_ms = now_ms - this.countedAt_ms;
    this.busy_ms = 0;
    this.countedAt_ms = now_ms;
    return span_ms > 0 ? busy_ms / span_ms : 0;
  }
}
