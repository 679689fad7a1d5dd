import { isConnectionLoss, type Database } from '@payflow/database';
import { Refused } from '@payflow/resilience';
import { logger } from '@payflow/telemetry';
import { Awake } from './awake.js';
import { checkInvariant } from './check.js';
import type { CheckResults } from './check-results.js';
import type { Invariant } from './invariant.js';

const log = logger('invariants');

/** Processes that started together must not check together for ever. */
const JITTER = 0.2;
/**
 * However many checks there are, those of a service together take a fiftieth of one connection, and those of all five a tenth:
 * each rests so many times as long as it took.
 */
const REST_FACTOR = 50;
/** After a long one the others wait as well, for so long at most: a load that has just begun meets one of them at a time. */
const PAUSE_MS_MAX = 3_000;
const FIRST_DELAY_MS = 2_000;
const PAUSE_MS = 200;

interface Due {
  readonly invariant: Invariant;
  at_ms: number;
}

/** Runs a service's checks for as long as it lives, one at a time. */
export class CheckLoop {
  private readonly due: Due[];
  private timer: NodeJS.Timeout | undefined;
  private checking: Promise<void> = Promise.resolve();
  private readonly ending = new AbortController();
  private pause_ms = PAUSE_MS;
  private readonly awake = new Awake();

  constructor(
    private readonly database: Database,
    invariants: readonly Invariant[],
    private readonly results: CheckResults,
  ) {
    const now = performance.now();
    this.due = invariants.map((invariant) => ({ invariant, at_ms: now + jittered(FIRST_DELAY_MS) }));
  }

  start(): void {
    this.schedule();
  }

  /** No check is begun any more, and the one at work asks nothing after the statement that runs, which takes 4 s at most. */
  end(): void {
    this.ending.abort();
    clearTimeout(this.timer);
  }

  /** Ends it, and waits for the statement that runs. */
  async stop(): Promise<void> {
    this.end();
    await this.checking;
  }

  private schedule(): void {
    const [next] = this.due.sort((a, b) => a.at_ms - b.at_ms);
    if (this.ending.signal.aborted || !next) return;
    this.timer = setTimeout(
      () => {
        this.checking = this.check(next).finally(() => this.schedule());
      },
      Math.max(this.pause_ms, next.at_ms - performance.now()),
    );
  }

  private async check(due: Due): Promise<void> {
    const { name, interval_ms } = due.invariant;
    const start = performance.now();
    let wasAsked = true;
    try {
      const looking = { awake_s: this.awake.seconds(Date.now()), ending: this.ending.signal };
      const checked = await checkInvariant(this.database, due.invariant, 'running', looking);
      this.awake.look(Date.now());
      this.results.checked(name, checked, new Date());
      if (checked.violations > 0)
        log.error(
          { invariant: name, violations: checked.violations, sample: checked.sample },
          'an invariant is broken',
        );
    } catch (error) {
      if (this.ending.signal.aborted) return;
      // Without a connection it took nothing of the server's time, however long it waited: it does not rest for that.
      wasAsked = !isConnectionLoss(error) && !(error instanceof Refused);
      this.results.failed(name, error);
      log.warn({ err: error, invariant: name }, 'an invariant could not be checked');
    }
    const took_ms = wasAsked ? performance.now() - start : 0;
    this.pause_ms = Math.min(PAUSE_MS_MAX, Math.max(PAUSE_MS, REST_FACTOR * took_ms));
    due.at_ms = performance.now() + jittered(Math.max(interval_ms, restOf_ms(took_ms, this.due.length)));
  }
}

/** For how long a check that took so long rests, as one of so many of its service. */
export function restOf_ms(took_ms: number, checks: number): number {
  return checks * REST_FACTOR * took_ms;
}

function jittered(ms: number): number {
  return ms * (1 - JITTER / 2 + Math.random() * JITTER);
}
