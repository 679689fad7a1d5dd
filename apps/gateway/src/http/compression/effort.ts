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

/** Watches the event loop, and says what compressing may cost now. */
export class Efforts {
  #now: Effort = 'full';
  #delay: ReturnType<typeof monitorEventLoopDelay> | undefined;
  #timer: NodeJS.Timeout | undefined;

  get now(): Effort {
    return this.#now;
  }

  open(): void {
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delay.enable();
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS).unref();
    effortGauge.set(0);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#delay?.disable();
  }

  #look(): void {
    const delay = this.#delay;
    if (!delay || delay.count === 0) return;
    this.#now = effortAfter(this.#now, delay.percentile(90) / NS_PER_MS - RESOLUTION_MS);
    delay.reset();
    effortGauge.set(this.#now === 'low' ? 1 : 0);
  }
}
