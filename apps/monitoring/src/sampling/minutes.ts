import type { Service } from '@payflow/contracts';
import type { ServiceMinute } from '../database/samples.repository.js';
import type { ReaderLag } from './lags.js';
import { isServing, readerKey, type Look, type Picture } from './picture.js';

interface Minute {
  readonly start_ms: number;
  readonly lags: Map<string, ReaderLag>;
  readonly services: Map<
    Service,
    { samples: number; readySamples: number; outboxAge_s: number | null; violations: number | null }
  >;
}

export const MINUTE_MS = 60_000;

/** Gathers the looks of the running minute: the worst of each figure. */
export class Minutes {
  private current: Minute | undefined;

  /** Adds a look. Returns the minute before, once, when a new one has begun. */
  add(
    picture: Picture,
    lags: readonly ReaderLag[],
    now_ms: number,
  ): { minute: Date; lags: ReaderLag[]; services: ServiceMinute[] } | undefined {
    const start_ms = now_ms - (now_ms % MINUTE_MS);
    const ended = this.current && this.current.start_ms !== start_ms ? this.current : undefined;
    if (!this.current || ended) this.current = { start_ms, lags: new Map(), services: new Map() };
    for (const lag of lags) addLag(this.current, lag);
    for (const service of picture.services.keys()) addService(this.current, service, picture, now_ms);
    return ended && closed(ended);
  }

  /** What has gathered so far; for the end of the process. */
  take(): ReturnType<Minutes['add']> {
    const ended = this.current;
    this.current = undefined;
    return ended && closed(ended);
  }
}

function addLag(minute: Minute, lag: ReaderLag): void {
  const key = readerKey(lag.group, lag.partition);
  const before = minute.lags.get(key);
  minute.lags.set(key, {
    ...lag,
    lag_messages: worst(before?.lag_messages, lag.lag_messages),
    lag_seconds: worst(before?.lag_seconds, lag.lag_seconds),
  });
}

function addService(minute: Minute, name: Service, picture: Picture, now_ms: number): void {
  const { readiness, outboxAge_s, invariants } = picture.service(name);
  const before = minute.services.get(name) ?? { samples: 0, readySamples: 0, outboxAge_s: null, violations: null };
  const violations = lately(invariants, now_ms)?.reduce((sum, result) => sum + result.violations, 0);
  minute.services.set(name, {
    samples: before.samples + 1,
    readySamples: before.readySamples + (isServing(readiness?.value.status) ? 1 : 0),
    outboxAge_s: worst(before.outboxAge_s, lately(outboxAge_s, now_ms)),
    violations: worst(before.violations, violations),
  });
}

/** What was told longer ago is no figure of this minute. */
function lately<T>(look: Look<T> | undefined, now_ms: number): T | undefined {
  return look && now_ms - look.at_ms <= MINUTE_MS ? look.value : undefined;
}

function closed({ start_ms, lags, services }: Minute) {
  return {
    minute: new Date(start_ms),
    lags: [...lags.values()],
    services: [...services].map(([service, figures]) => ({ service, ...figures })),
  };
}

function worst(a: number | null | undefined, b: number | null | undefined): number | null {
  if (a === null || a === undefined) return b ?? null;
  return b === null || b === undefined ? a : Math.max(a, b);
}
