import type { Database } from '@payflow/database';
import { enqueue } from '@payflow/jobs';
import { Repeat } from '@payflow/messaging';
import { logger } from '@payflow/telemetry';
import { countInNeed, lostAttempts } from './attempt.repository.js';
import { countLost, showAttention } from './metrics.js';
import { askingOf, inquiryOf } from './provider-jobs.js';

const log = logger('attempts');

const INTERVAL_MS = 5_000;
/** Longer than an attempt is left alone by its job, a killed worker's included. */
const IDLE_MS = 30_000;
const TAKEN_MAX = 500;

/**
 * Nothing depends on the queue alone: attempts that have not ended, and that no job is about, are put there again. What is dead
 * in the queue is an operator's. Also tells how many attempts wait for a human.
 */
export class AttemptSweeper {
  private readonly rounds: Repeat;

  constructor(
    private readonly db: Database,
    private readonly idle_ms = IDLE_MS,
    interval_ms = INTERVAL_MS,
  ) {
    this.rounds = new Repeat(
      interval_ms,
      () => this.sweep(),
      (error) => log.warn({ err: error }, 'lost attempts could not be looked for; they will be'),
    );
  }

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  private async sweep(): Promise<void> {
    const lost = await this.db.transaction(async (tx) => {
      const found = await lostAttempts(tx, this.idle_ms, TAKEN_MAX);
      await enqueue(
        tx,
        found.map((attempt) => (attempt.status === 'unknown' ? inquiryOf(attempt, 0) : askingOf(attempt))),
      );
      return found.length;
    });
    if (lost > 0) {
      countLost(lost);
      log.warn({ attempts: lost }, 'attempts were in no queue; they are again');
    }
    showAttention(await countInNeed(this.db));
  }
}
