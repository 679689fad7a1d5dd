import { monitorEventLoopDelay } from 'node:perf_hooks';
import { METRICS } from '@payflow/contracts';
import { gauge } from '@payflow/telemetry';

/** How much work an answer's bytes are worth. */
export type Effort = 'full' | 'low';

const effortGauge = gauge(METRICS.compressionLowered, '1 while answers are compressed at the lowest level, for load.');

const LOOK_INTERVAL_MS = 500;
const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;
/** A loop that is so late has more to do than it can: then smaller answers are not worth anybody's wait. */
const LATE_MS = 20;
/** Up again only when there is room to spare, or it would go up and down. */
const CALM_MS = 8;

/** The next effort, by how late nine of ten turns of the event loop came at most. */
export function effortAfter(before: Effort, late_ms: number): Effort {
  if (late_ms >= LATE_MS) return 'low';
  return late_ms <= CALM_MS ? 'full' : before;
}

/** How late the turns of an event loop come. */
export interface Lateness {
  /** At most, nine of ten turns since it was asked last, in ms; undefined where there was none. */
  take(): number | undefined;
  close(): void;
}

/** Watches the event loop, and says what compressing may cost now. */
export class Efforts {
  #now: Effort = 'full';
  #lateness: Lateness | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(private readonly watch: () => Lateness = watchLoop) {}

  get now(): Effort {
    return this.#now;
  }

  open(): void {
    this.#lateness = this.watch();
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS).unref();
    effortGauge.set(0);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#lateness?.close();
  }

  #look(): void {
    const late_ms = this.#lateness?.take();
    if (late_ms === undefined) return;
    this.#now = effortAfter(this.#now, late_ms);
    effortGauge.set(this.#now === 'low' ? 1 : 0);
  }
}

function watchLoop(): Lateness {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  return {
    take: () => {
      if (delay.count === 0) return undefined;
      const late_ms = delay.percentile(90) / NS_PER_MS - RESOLUTION_MS;
      delay.reset();
      return late_ms;
    },
    close: () => void delay.disable(),
  };
}
