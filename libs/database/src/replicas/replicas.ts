import { setTimeout as delay } from 'node:timers/promises';
import { METRICS } from '@payflow/contracts';
import { gauge, logger } from '@payflow/telemetry';
import type { Keeper } from '../pool/keeper.js';
import { statement } from '../statement.js';
import { leastLoaded } from './choice.js';
import { PrimaryPosition, PRIMARY_POSITION, type PlaceInLog } from './position.js';
import type { Absence, Replica } from './replica.js';
import { Timeline } from './timeline.js';

const log = logger('replicas');
const lagBytes = gauge(METRICS.databaseReplicaLagBytes, "Bytes of the primary's log that it has not replayed.", [
  'replica',
] as const);
const lagSeconds = gauge(METRICS.databaseReplicaLagSeconds, 'How old its answers are at most.', ['replica'] as const);
const inUse = gauge(METRICS.databaseReplicaUp, '1 while it gets reads, 0 while it is left out; the log says why.', [
  'replica',
] as const);

const LOOK_INTERVAL_MS = 250;
/** A replica further behind is left out until it has caught up: reads would only wait for it in vain. */
const LAG_BYTES_MAX = 64 * 1024 * 1024;
const LAG_MS_MAX = 10_000;
/** For how long a read waits for a replica to come as far as it must be; then the primary is asked. */
const WAIT_MS = 100;
const POLL_MS_FIRST = 1;
const POLL_MS_MAX = 16;

const SYSTEM = statement('database.system', 'select system_identifier as system from pg_control_system()');

/** What the replicas ask of the primary. */
export type AskPrimary = <R extends object>(of: typeof SYSTEM) => Promise<R[]>;

/** Replicas of one primary: which of them may answer a read. */
export class Replicas {
  private readonly timeline = new Timeline();
  private readonly primary: PrimaryPosition;
  private system: bigint | undefined;
  /** The history that the primary writes. */
  private history: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(
    private readonly all: readonly Replica[],
    private readonly keeper: Keeper,
    private readonly ask: AskPrimary,
  ) {
    this.primary = new PrimaryPosition(() => this.primaryPosition());
  }

  /** Looks at each once; from then on again and again. */
  async start(): Promise<void> {
    await this.look();
    const next = (): void => {
      if (!this.isClosed) this.timer = setTimeout(() => void this.look().then(next), LOOK_INTERVAL_MS).unref();
    };
    next();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.keeper.stop();
    await Promise.all(this.all.map((replica) => replica.close()));
  }

  /**
   * A replica whose answer is not older than `staleness_max_ms`; 0: it lacks nothing that was committed before this was asked.
   * Its place for the read is taken. Undefined where the primary must answer, also when a replica that is nearly there does not come that far in time.
   */
  async choose(staleness_max_ms: number): Promise<Replica | undefined> {
    const fit = this.all.filter(({ isFit }) => isFit);
    if (fit.length === 0) return undefined;
    if (staleness_max_ms > 0)
      return leastLoaded(fit.filter((one) => this.stalenessOf(one) <= staleness_max_ms))?.take();
    const position = await this.primary.now().catch(() => undefined);
    if (position === undefined) return undefined;
    // The answer may have told of another primary.
    const left = fit.filter(({ isFit }) => isFit);
    const there = leastLoaded(left.filter(({ replayed }) => replayed >= position));
    if (there) return there.take();
    // One that was not near at the last look will not be there in time.
    const near = leastLoaded(left.filter((one) => this.stalenessOf(one) <= LOOK_INTERVAL_MS * 2 + WAIT_MS));
    return near && (await reaches(near, position)) ? near.take() : undefined;
  }

  private stalenessOf({ replayed }: Replica): number {
    return this.timeline.staleness(replayed, performance.now());
  }

  private async primaryPosition(): Promise<bigint> {
    const at_ms = performance.now();
    const [row] = await this.ask<PlaceInLog & object>(PRIMARY_POSITION);
    const { position, timeline } = row as PlaceInLog;
    if (timeline !== this.history) this.begin(timeline);
    this.timeline.add(at_ms, position);
    return position;
  }

  /** One that has taken over has a log of its own from there on: where others were in the old one says nothing. */
  private begin(history: string): void {
    if (this.history !== undefined)
      log.warn({ history }, 'another primary has taken over; replicas that do not follow it are left out');
    this.history = history;
    this.timeline.forget();
    for (const replica of this.all) replica.forget();
  }

  private async look(): Promise<void> {
    try {
      await this.primary.now();
      this.system ??= (await this.ask<{ system: bigint }>(SYSTEM))[0]?.system;
    } catch {
      // Without the primary nobody can tell how far it was: answers grow older, until none of them may be given.
    }
    await Promise.all(this.all.map((replica) => this.lookAt(replica)));
  }

  private async lookAt(replica: Replica): Promise<void> {
    const before = replica.absence;
    const { system, history: timeline } = this;
    if (system !== undefined && timeline !== undefined) await replica.check({ system, timeline });
    // Another primary has taken over meanwhile: what was seen is held against the one before.
    if (this.history !== timeline) replica.forget();
    const [bytes, staleness_ms] = [this.timeline.behind(replica.replayed), this.stalenessOf(replica)];
    const isBehind = bytes > LAG_BYTES_MAX || staleness_ms > LAG_MS_MAX;
    if (replica.absence === undefined && isBehind) replica.absence = 'lagging';
    else if (replica.absence === 'lagging' && !isBehind) replica.absence = undefined;
    lagBytes.set({ replica: replica.name }, bytes);
    lagSeconds.set({ replica: replica.name }, staleness_ms / 1_000);
    inUse.set({ replica: replica.name }, replica.absence === undefined ? 1 : 0);
    if (replica.absence !== before) tell(replica, before, { bytes, staleness_ms: Math.round(staleness_ms) });
  }
}

function tell({ name: replica, absence: reason }: Replica, before: Absence | undefined, lag: object): void {
  if (reason === undefined) log.info({ replica, ...lag }, 'a replica gets reads');
  else if (before === undefined || before === 'unknown') log.warn({ replica, reason, ...lag }, 'a replica is left out');
}

/** Whether it has replayed up to there within the time that a read may wait. */
async function reaches(replica: Replica, position: bigint): Promise<boolean> {
  const end_ms = performance.now() + WAIT_MS;
  for (let pause_ms = POLL_MS_FIRST; ; pause_ms = Math.min(POLL_MS_MAX, pause_ms * 2)) {
    try {
      if ((await replica.now()) >= position) return true;
    } catch {
      return false;
    }
    if (performance.now() + pause_ms > end_ms) return false;
    await delay(pause_ms);
  }
}
