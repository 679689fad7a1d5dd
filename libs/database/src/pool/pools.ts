import type { ConnectionPool, PoolName, PoolStatus, PoolUse } from './connection-pool.js';
import type { Keeper } from './keeper.js';
import type { Purpose } from './purpose.js';

/** Every pool of one database, by what it is for. */
export class Pools {
  private readonly byPurpose: ReadonlyMap<PoolName, ConnectionPool>;

  /** `all`: one for each purpose, or a single one for all of them. */
  constructor(
    private readonly all: readonly [ConnectionPool, ...ConnectionPool[]],
    private readonly keeper: Keeper,
  ) {
    this.byPurpose = new Map(all.map((pool) => [pool.purpose, pool]));
  }

  of(purpose: Purpose): ConnectionPool {
    return this.byPurpose.get(purpose) ?? this.all[0];
  }

  statuses(): PoolStatus[] {
    return this.all.map(({ status }) => status);
  }

  async warmUp(): Promise<void> {
    await Promise.all(this.all.map((pool) => pool.warmUp()));
  }

  /** Resolves when every connection has been given back and closed; those of the first are closed by whoever opened it. */
  async close(): Promise<void> {
    this.keeper.stop();
    await Promise.all(this.all.slice(1).map((pool) => pool.close()));
  }
}

export type Uses = ReadonlyMap<ConnectionPool, PoolUse>;
