import type { Database } from '@payflow/database';
import { logger } from '@payflow/telemetry';
import { noteProgress } from './database/job-worker.repository.js';

const log = logger('jobs');

/** Whoever looks, looks with their eyes. A run that is shorter than this writes nothing at all. */
const INTERVAL_MS = 1_000;

/**
 * How far the runs of this process are: the latest word of each, written once in the interval, all of them in one statement. Where
 * providers are slow, hundreds of runs are long ones at the same time.
 */
export class ProgressBoard {
  readonly #unwritten = new Map<string, number>();
  /** When a run had its first word. */
  readonly #since_ms = new Map<string, number>();
  #isWaiting = false;
  #writing: { readonly jobs: ReadonlySet<string>; readonly ended: Promise<void> } | undefined;

  constructor(private readonly db: Database) {}

  note(job: string, percent: number): void {
    if (!this.#since_ms.has(job)) this.#since_ms.set(job, performance.now());
    this.#unwritten.set(job, Math.round(Math.min(Math.max(percent, 0), 100)));
    this.#wait();
  }

  /** Writes nothing more of the run; what is being written is waited for. */
  async end(job: string): Promise<void> {
    this.#unwritten.delete(job);
    this.#since_ms.delete(job);
    if (this.#writing?.jobs.has(job)) await this.#writing.ended;
  }

  #wait(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    setTimeout(() => void this.#write(), INTERVAL_MS).unref();
  }

  async #write(): Promise<void> {
    const long_ms = performance.now() - INTERVAL_MS;
    const due = [...this.#unwritten].filter(([job]) => (this.#since_ms.get(job) ?? 0) <= long_ms);
    for (const [job] of due) this.#unwritten.delete(job);
    if (due.length > 0) {
      const ended = noteProgress(this.db, due).catch((error: unknown) =>
        log.warn({ err: error, jobs: due.length }, 'the progress of jobs could not be noted'),
      );
      this.#writing = { jobs: new Set(due.map(([job]) => job)), ended };
      await ended;
      this.#writing = undefined;
    }
    this.#isWaiting = false;
    if (this.#unwritten.size > 0) this.#wait();
  }
}
