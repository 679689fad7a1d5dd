import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { METRICS } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { Repeat } from '@payflow/messaging';
import { gauge, logger, OncePerInterval } from '@payflow/telemetry';
import { openReviewCount } from './review.repository.js';

const log = logger('reviews');

const INTERVAL_MS = 10_000;
const REPORT_INTERVAL_MS = 600_000;

/** Watches how long payments wait for a human, and raises the alarm where it is too long. Decides nothing. */
@Injectable()
export class ReviewWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly open = gauge(METRICS.reviewsOpen, 'Payments that wait for somebody to look at them.');
  private readonly oldest = gauge(METRICS.reviewOldestSeconds, 'How long the oldest of them has waited.');
  private readonly seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  private readonly rounds = new Repeat(
    INTERVAL_MS,
    async () => void (await this.look()),
    (error) => this.seldom.run(() => log.warn({ err: error }, 'the reviews could not be counted; they will be again')),
  );

  constructor(
    private readonly db: Database,
    private readonly alarm_ms: number,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  /** One round. True where the alarm was due. */
  async look(): Promise<boolean> {
    const { reviews, seconds } = await openReviewCount(this.db);
    this.open.set(reviews);
    this.oldest.set(seconds);
    const isLate = seconds * 1_000 > this.alarm_ms;
    if (isLate)
      this.seldom.run(() =>
        log.error({ reviews, oldest_seconds: Math.round(seconds) }, 'ALARM: payments wait too long for their review'),
      );
    return isLate;
  }
}
