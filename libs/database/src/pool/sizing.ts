import type { PoolName } from './connection-pool.js';

/** One pool as it was over the last second. */
export interface Sized {
  readonly purpose: PoolName;
  /** Connections it may have now, and the least it ever has. */
  readonly size: number;
  readonly floor: number;
  /** Connections it has open: for a moment more than it may, after it was made smaller. */
  readonly open: number;
  readonly usage: number;
  readonly wait_p99_ms: number;
  readonly waiting: number;
}

export interface Resize {
  readonly purpose: PoolName;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** A request that waits for longer is held up by the pool more than by a statement. */
const WAIT_MS = 20;
/** Where connections are free, more of them shorten no wait: it was the server that was slow to give one. */
const USAGE_BUSY = 0.7;
/** What would remain in use of one connection less. */
const USAGE_CALM = 0.5;
/** One that was lent for a burst is taken back after half a minute without need, and sooner where another waits for it. */
const ROUNDS_CALM = 30;
const ROUNDS_CALM_IN_NEED = 5;
/** A second at a time: more connections are not more processors, and the next round sees what they did. */
const STEP_MAX = 2;

/**
 * Lends a few connections beyond their own to the pools that need them. No pool falls below its own, and all together never have
 * more than `connections_max`.
 */
export class Sizing {
  private readonly calm = new Map<PoolName, number>();

  constructor(private readonly connections_max: number) {}

  /** What to change after a round. */
  resize(pools: readonly Sized[]): Resize[] {
    const needy = pools.filter(isNeedy).sort((a, b) => b.wait_p99_ms - a.wait_p99_ms);
    const changes = pools.flatMap((pool) => this.takeBack(pool, needy.length > 0) ?? []);
    let spare = this.connections_max - pools.reduce((sum, { size, open }) => sum + Math.max(size, open), 0);
    for (const pool of needy) {
      const more = Math.min(spare, STEP_MAX, Math.max(1, pool.waiting));
      if (more <= 0) break;
      spare -= more;
      const { purpose, size: from, wait_p99_ms, usage, waiting } = pool;
      const reason = `waited for: p99 ${wait_p99_ms.toFixed(1)} ms, ${waiting} still waiting, ${percent(usage)} in use`;
      changes.push({ purpose, from, to: from + more, reason });
    }
    return changes;
  }

  private takeBack(pool: Sized, isNeededElsewhere: boolean): Resize | undefined {
    const { purpose, size: from, floor, usage } = pool;
    if (from === floor || isNeedy(pool) || (usage * from) / (from - 1) > USAGE_CALM) {
      this.calm.delete(purpose);
      return undefined;
    }
    const rounds = (this.calm.get(purpose) ?? 0) + 1;
    this.calm.set(purpose, rounds);
    if (rounds < (isNeededElsewhere ? ROUNDS_CALM_IN_NEED : ROUNDS_CALM)) return undefined;
    this.calm.delete(purpose);
    const why = isNeededElsewhere ? ', and another waits' : '';
    return { purpose, from, to: from - 1, reason: `not needed for ${rounds} s: ${percent(usage)} in use${why}` };
  }
}

function isNeedy({ waiting, wait_p99_ms, usage }: Sized): boolean {
  return (waiting > 0 || wait_p99_ms > WAIT_MS) && usage > USAGE_BUSY;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
