import type { Database } from '@payflow/database';
import { logger } from '@payflow/telemetry';
import { noteProgress } from './database/job-worker.repository.js';

const log = logger('jobs');

/** Whoever looks, looks with their eyes. A run that is shorter than this writes nothing at all. */
const INTERVAL_MS = 1_000;

/** How far one run is: the latest word, written at most once in the interval. */
export class Progress {
  private latest: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly db: Database,
    private readonly job: string,
  ) {}

  note(percent: number): void {
    this.latest = Math.round(Math.min(Math.max(percent, 0), 100));
    this.timer ??= setTimeout(() => this.write(), INTERVAL_MS);
  }

  /** Writes nothing more; what is being written is waited for. */
  end(): Promise<void> {
    clearTimeout(this.timer);
    return this.writing;
  }

  private write(): void {
    this.timer = undefined;
    if (this.latest === undefined) return;
    this.writing = noteProgress(this.db, this.job, this.latest).catch((error: unknown) =>
      log.warn({ err: error, job: this.job }, 'the progress of a job could not be noted'),
    );
  }
}
