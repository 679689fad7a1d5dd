import { Injectable } from '@nestjs/common';
import { breakerStates, TimedOut, withinTime } from '@payflow/resilience';

/** `required`: without it the service must get no traffic. `degraded`: it serves on, slower or less. */
export type CheckLevel = 'required' | 'degraded';

export interface Check {
  readonly name: string;
  readonly level: CheckLevel;
  /** Throws, or rejects, when the thing is not well. Gets 1 s. */
  readonly run: () => Promise<void> | void;
}

export interface CheckResult {
  readonly name: string;
  readonly level: CheckLevel;
  readonly status: 'up' | 'down';
  readonly duration_ms: number;
  /** Class or code of the error, never its text: that may name hosts and users. */
  readonly reason?: string;
}

export interface HealthReport {
  readonly status: 'ready' | 'degraded' | 'unavailable' | 'starting' | 'draining';
  readonly service: string;
  readonly checks: readonly CheckResult[];
  /** What the service leaves alone for now because it failed (`open`), and what is tried again (`half_open`). */
  readonly breakers: Readonly<Record<string, 'closed' | 'half_open' | 'open'>>;
}

const CHECK_TIMEOUT_MS = 1_000;
/** Probes of many balancers share one round of checks. */
const CACHE_MS = 1_000;
/** Until it is ready for the first time, somebody waits for that and nothing else. */
const STARTING_CACHE_MS = 20;

/** Thrown by a check to say in one word what is wrong. */
export class NotWell extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = reason;
  }
}

/** The named checks behind `/readyz`, and the phase the process is in. */
@Injectable()
export class Health {
  readonly #service: string;
  readonly #checks: Check[] = [];
  #phase: 'starting' | 'running' | 'draining' = 'starting';
  #wasReady = false;
  #last: { at: number; results: Promise<CheckResult[]> } | undefined;

  constructor(service: string) {
    this.#service = service;
  }

  register(check: Check): void {
    this.#checks.push(check);
  }

  get started(): boolean {
    return this.#phase !== 'starting';
  }

  get draining(): boolean {
    return this.#phase === 'draining';
  }

  enter(phase: 'running' | 'draining'): void {
    this.#phase = phase;
  }

  /** Runs all checks side by side, or answers with those of the last second. */
  async report(now: number = performance.now()): Promise<HealthReport> {
    if (!this.#last || now - this.#last.at > (this.#wasReady ? CACHE_MS : STARTING_CACHE_MS)) {
      this.#last = { at: now, results: Promise.all(this.#checks.map(runCheck)) };
    }
    const checks = await this.#last.results;
    const status = this.#status(checks);
    this.#wasReady ||= status === 'ready';
    return { status, service: this.#service, checks, breakers: breakerStates() };
  }

  #status(checks: readonly CheckResult[]): HealthReport['status'] {
    if (this.#phase !== 'running') return this.#phase;
    const down = checks.filter(({ status }) => status === 'down');
    if (down.length === 0) return 'ready';
    return down.some(({ level }) => level === 'required') ? 'unavailable' : 'degraded';
  }
}

async function runCheck({ name, level, run }: Check): Promise<CheckResult> {
  const start = performance.now();
  const done = (status: 'up' | 'down') => ({ name, level, status, duration_ms: Math.round(performance.now() - start) });
  try {
    await withTimeout(run);
    return done('up');
  } catch (error) {
    return { ...done('down'), reason: reasonOf(error) };
  }
}

async function withTimeout(run: Check['run']): Promise<void> {
  try {
    await withinTime('health', CHECK_TIMEOUT_MS, async () => run());
  } catch (error) {
    throw error instanceof TimedOut ? new NotWell('timeout') : error;
  }
}

function reasonOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') return code;
  return error instanceof Error ? error.name : 'error';
}
