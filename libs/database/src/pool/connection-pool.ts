import type { Socket } from 'node:net';
import type { Pool, PoolClient } from 'pg';
import { OutcomeUnknown, PoolExhausted, isConnectionLoss } from '../errors.js';
import { Leases, type Leak, type Lease } from './leases.js';
import { acquireErrors } from './pool-metrics.js';
import type { Purpose } from './purpose.js';
import type { Taker } from './taker.js';
import { preferSpeaking, type Tenant } from '../walls.js';
import { Waits } from './waits.js';

/** A pool of the primary's connections is named by what they are for, a replica's by its address. */
export type PoolName = Purpose | `replica ${string}`;

export interface PoolStatus {
  readonly purpose: PoolName;
  readonly total: number;
  readonly idle: number;
  readonly waiting: number;
  readonly max: number;
}

/** How one pool did since it was last looked at. */
export interface PoolUse {
  /** Share of the connections it may have that were in use, on average. */
  readonly usage: number;
  /** How long it took to get a connection, the latest of them, ascending, ms. */
  readonly waits_ms: Float64Array;
  readonly waiting: number;
}

/** A connection's life ends after so long at most: whatever its backend has gathered is given back, and a balancer can move it. */
export const LIFETIME_MS = 30 * 60_000;
/** Connections opened together must not end together. */
const LIFETIME_JITTER = 0.2;

/** What stands before the work on a connection, and may refuse to begin it. */
export type Guard = <T>(work: () => Promise<T>) => Promise<T>;

const WAITED_TOO_LONG = 'timeout exceeded when trying to connect';
const NOT_QUERYABLE = /connection error and is not queryable$/;

/** The connections of one purpose, each lent to one piece of work at a time and taken back whatever becomes of it. */
export class ConnectionPool {
  private readonly leases = new Leases();
  private readonly waits = new Waits();
  private warming: Promise<void> | undefined;

  constructor(
    readonly purpose: PoolName,
    private readonly clients: Pool,
    lifetime_ms = LIFETIME_MS,
    private readonly guard?: Guard,
  ) {
    endLivesApart(clients, lifetime_ms);
    // An idle client whose server went away; the pool removes it by itself, and without a listener the process would end.
    clients.on('error', () => undefined);
    hearErrors(clients);
  }

  /**
   * Runs the work on a connection of its own, if possible one that speaks for the `tenant` already. `by`: who is told of where the
   * connection is not given back. Throws {@link PoolExhausted} when none is free in time.
   */
  withClient<T>(by: Taker, work: (client: PoolClient) => Promise<T>, tenant?: Tenant): Promise<T> {
    return this.guard ? this.guard(() => this.lend(by, work, tenant)) : this.lend(by, work, tenant);
  }

  private async lend<T>(by: Taker, work: (client: PoolClient) => Promise<T>, tenant?: Tenant): Promise<T> {
    const asked_ms = performance.now();
    if (tenant !== undefined) preferSpeaking(this.clients, tenant);
    // What is opened is all held until the last is there, which a busy server takes longer for than anybody may wait in a queue.
    if (this.warming) await this.warming;
    let client: PoolClient;
    try {
      client = await this.clients.connect();
    } catch (error) {
      throw this.refused(error, asked_ms);
    }
    const since_ms = performance.now();
    this.waits.add(since_ms - asked_ms);
    const lease = this.leases.begin({ client, since_ms, by, isReported: false });
    // A client whose backend died reports it as an event. Its place in the pool is free at once, though the work may hang for
    // long: what the work sends from now on fails, and reaches no other connection.
    let ended: Error | undefined;
    const onError = (error: Error): void => {
      ended ??= error;
      this.giveBack(lease, onError, error);
    };
    client.on('error', onError);
    try {
      return await work(client);
    } catch (error) {
      // Its backend has said that it ends, or says nothing: nobody else must get it in the moment until it is closed.
      if (isConnectionLoss(error) || error instanceof OutcomeUnknown) this.giveBack(lease, onError, error as Error);
      // Of a connection that has ended before it was asked the driver says no more than that; why, the server has said.
      throw isConnectionLoss(ended) && NOT_QUERYABLE.test((error as Error).message) ? ended : error;
    } finally {
      this.giveBack(lease, onError);
    }
  }

  get status(): PoolStatus {
    const { totalCount: total, idleCount: idle, waitingCount: waiting } = this.clients;
    return { purpose: this.purpose, total, idle, waiting, max: this.max };
  }

  get max(): number {
    return this.clients.options.max;
  }

  /** Lets it have more or fewer connections; those beyond are closed as they are given back. */
  resize(to: number): void {
    this.clients.options.max = to;
    if (this.clients.idleCount > 0 && this.clients.totalCount > to)
      this.clients.connect().then(
        (client) => client.release(true),
        () => undefined,
      );
  }

  /**
   * Opens the connections that it keeps, one after the other, each held while the next is opened: who needs one meanwhile waits for
   * that. What cannot be opened now is opened when it is needed.
   */
  async warmUp(): Promise<void> {
    this.warming ??= this.openAll().finally(() => (this.warming = undefined));
    await this.warming;
  }

  private async openAll(): Promise<void> {
    const held: PoolClient[] = [];
    try {
      while (held.length < (this.clients.options.min ?? 0)) held.push(await this.clients.connect());
    } catch {
      // The server is away or full: whoever needs a connection will hear of it.
    } finally {
      for (const client of held) client.release();
    }
  }

  /** Breaks off whatever its connections are at: the server does not answer, and who waits must not wait for it. */
  abandon(): void {
    for (const client of this.leases.clients()) socketOf(client).destroy();
  }

  /** Resolves when every connection has been given back and closed. */
  async close(): Promise<void> {
    await this.clients.end();
  }

  /** Work that has had its connection for so long that it will hardly give it back; each is told of once. */
  leaks(after_ms: number): Leak[] {
    return this.leases.leaks(after_ms);
  }

  /** What it was used for since this was last asked. */
  takeUse(): PoolUse {
    return {
      usage: this.leases.averageInUse() / this.max,
      waits_ms: this.waits.take(),
      waiting: this.clients.waitingCount,
    };
  }

  private refused(error: unknown, asked_ms: number): unknown {
    const wait_ms = performance.now() - asked_ms;
    this.waits.add(wait_ms);
    const isExhausted = (error as Error).message === WAITED_TOO_LONG;
    acquireErrors.inc({ pool: this.purpose, reason: isExhausted ? 'exhausted' : 'no_connection' });
    return isExhausted ? new PoolExhausted(this.purpose, Math.round(wait_ms), this.max) : error;
  }

  private giveBack(lease: Lease, onError: (error: Error) => void, lost?: Error): void {
    if (!this.leases.end(lease)) return;
    lease.client.off('error', onError);
    lease.client.release(lost ?? this.clients.totalCount > this.max);
  }
}

function socketOf(client: PoolClient): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}

/**
 * An error that nobody hears ends the process. The pool stops listening when it hands a client out, and whoever gets it can begin
 * only a moment later: a backend that is ended right after it has let us in says both in one packet.
 */
function hearErrors(clients: Pool): void {
  const heard = new WeakSet<PoolClient>();
  clients.on('acquire', (client) => {
    if (heard.has(client)) return;
    heard.add(client);
    client.on('error', () => undefined);
  });
}

/** The pool asks for the life-time of each connection as it is opened: it gets another each time. */
function endLivesApart(clients: Pool, lifetime_ms: number): void {
  Object.defineProperty(clients.options, 'maxLifetimeSeconds', {
    get: () => (lifetime_ms / 1_000) * (1 - LIFETIME_JITTER * Math.random()),
  });
}
