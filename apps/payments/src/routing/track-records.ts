import { setTimeout as delay } from 'node:timers/promises';
import type { MinuteOutcomes } from '../database/route.repository.js';
import type { TrackRecord } from './route.js';

/** As far back as any route looks. */
export const WINDOW_MAX_MIN = 60;
/** What was begun before that has ended, or is counted as not ended well. */
const UNSETTLED_MIN = 2;
const REFRESH_MS = 10_000;
/** Attempts are locked meanwhile. */
const FIRST_LOAD_WAIT_MS = 200;
const MS_PER_MIN = 60_000;
export const NOTHING_TRIED: TrackRecord = { succeeded: 0, tried: 0 };

/** Loads how the last so many minutes went. */
export type LoadOutcomes = (minutes: number) => Promise<readonly MinuteOutcomes[]>;

/**
 * How the connectors have done lately with one organisation's payments of one mode, minute by minute, in this process's memory. Asked
 * for anew at most every ten seconds and only while somebody routes by it, and then only for the minutes that can have changed; whoever
 * asks meanwhile has what is known.
 */
export class TrackRecords {
  readonly #minutes = new Map<string, MinuteOutcomes>();
  #loading: Promise<void> | undefined;
  #askedAt_ms = -Infinity;
  /** Up to when all is known. */
  #knownTo_ms = -Infinity;

  constructor(
    private readonly load: LoadOutcomes,
    private readonly onFailure: (error: unknown) => void,
    private readonly now: () => number = Date.now,
  ) {}

  /** Waits for the first load alone, and not for long; after one that failed, for none. */
  async refresh(): Promise<void> {
    const isFirst = this.#askedAt_ms === -Infinity;
    const passed_ms = this.now() - this.#askedAt_ms;
    // A clock that was set back would keep what was known then for as long.
    if (this.#loading === undefined && (passed_ms >= REFRESH_MS || passed_ms < 0)) {
      this.#loading = this.#reload().finally(() => (this.#loading = undefined));
    }
    // Several may come before it is there.
    if (isFirst) await Promise.race([this.#loading, delay(FIRST_LOAD_WAIT_MS, undefined, { ref: false })]);
  }

  /** What is known of a connector within so many minutes. */
  of(connector: string, window_min: number): TrackRecord {
    const since = this.#minute() - window_min;
    let [succeeded, tried] = [NOTHING_TRIED.succeeded, NOTHING_TRIED.tried];
    for (const each of this.#minutes.values()) {
      if (each.connector !== connector || each.minute <= since) continue;
      succeeded += each.succeeded;
      tried += each.tried;
    }
    return { succeeded, tried };
  }

  async #reload(): Promise<void> {
    const at_ms = this.now();
    const isSetBack = at_ms < this.#knownTo_ms;
    const missed_min = isSetBack ? Infinity : Math.ceil((at_ms - this.#knownTo_ms) / MS_PER_MIN) + UNSETTLED_MIN;
    try {
      const loaded = await this.load(Math.min(WINDOW_MAX_MIN, missed_min));
      for (const each of loaded) this.#minutes.set(`${each.connector} ${each.minute}`, each);
      this.#knownTo_ms = at_ms;
    } catch (error) {
      this.onFailure(error);
    }
    // Also after one that failed: payments do not wait for a database that is busy to say who is best.
    this.#askedAt_ms = at_ms;
    const oldest = this.#minute() - WINDOW_MAX_MIN;
    for (const [key, { minute }] of this.#minutes) if (minute < oldest) this.#minutes.delete(key);
  }

  #minute(): number {
    return Math.floor(this.now() / MS_PER_MIN);
  }
}
