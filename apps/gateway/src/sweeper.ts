import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Database } from '@payflow/database';
import { Repeat, type Messaging } from '@payflow/messaging';
import { gauge, logger, OncePerInterval } from '@payflow/telemetry';
import { pruneBlocks } from './database/access-block.repository.js';
import { pruneFailures } from './database/login-failure.repository.js';
import { pruneWebhooks } from './database/provider-webhook.repository.js';
import { countOverdue, pruneKeys, takeOverdue } from './database/reply.repository.js';
import { pruneSessions } from './database/session.repository.js';

const log = logger('sweeper');

const INTERVAL_MS = 5_000;
/** After this the command is published again, and somebody is told. */
const OVERDUE_MS = 30_000;
const REPUBLISHED_MAX = 500;
const REPORT_INTERVAL_MS = 60_000;
/** A key is good for seven days (docs/guides/move-money.md); one more is for clocks. */
const KEY_DAYS = 8;
/** Providers send again for days, not for weeks. */
const WEBHOOK_DAYS = 32;
/** As long as requests are in the log. */
const BLOCK_DAYS = 30;
/** Whoever looks into a theft asks where it came from. */
const SESSION_DAYS = 90;
const DAY_MS = 86_400_000;
/** Pruned per round: 360,000 an hour, three times what a day at 100 payments/s makes in that time. */
const PRUNED_MAX = 5_000;

/**
 * Looks for acknowledged writes that have not ended after 30 s: publishes their stored command again, and alarms. What was
 * lost on the way is repaired by it; what stands still behind a parked subject waits for its operator. Moves nothing itself.
 */
@Injectable()
export class Sweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly rounds = new Repeat(
    INTERVAL_MS,
    () => this.sweep(),
    (error) =>
      this.seldom.run((suppressed) =>
        log.warn({ err: error, suppressed }, 'the sweeper could not look; it will again'),
      ),
  );
  private readonly overdue = gauge('payflow_pending_writes_overdue', 'Acknowledged writes without an end after 30 s.');
  private readonly oldest = gauge('payflow_pending_writes_oldest_overdue_seconds', 'Age of the oldest such write.');
  private readonly seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  /** With a day's margin for clocks, and for what was answered late. */
  private prunedUntil: Date | '-infinity' = '-infinity';

  constructor(
    private readonly db: Database,
    private readonly messaging: Messaging,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.rounds.stop();
  }

  /** One round. */
  async sweep(): Promise<void> {
    await this.republish();
    await this.report();
    await this.prune();
  }

  /** Among the oldest keys are those that are kept for ever, more of them each day: they are looked through once. */
  private async prune(): Promise<void> {
    const now = Date.now();
    const pruned = await pruneKeys(this.db, { days: KEY_DAYS, limit: PRUNED_MAX, since: this.prunedUntil });
    if (pruned < PRUNED_MAX) this.prunedUntil = new Date(now - (KEY_DAYS + 1) * DAY_MS);
    await pruneWebhooks(this.db, WEBHOOK_DAYS, PRUNED_MAX);
    await pruneBlocks(this.db, BLOCK_DAYS, PRUNED_MAX);
    await pruneSessions(this.db, SESSION_DAYS, PRUNED_MAX);
    await pruneFailures(this.db, PRUNED_MAX);
  }

  private async republish(): Promise<void> {
    const overdue = await takeOverdue(this.db, OVERDUE_MS, REPUBLISHED_MAX);
    // One row holds the commands of a whole group: once is enough for all of them.
    const rows = new Map(overdue.map(({ outboxRow }) => [outboxRow.id, outboxRow]));
    for (const row of rows.values()) await this.messaging.outbox.republish(row);
    for (const { kind, id, requestId } of overdue) {
      log.warn({ [`${kind}_id`]: id, request_id: requestId }, 'no outcome after 30 s; its command is published again');
    }
  }

  private async report(): Promise<void> {
    const { writes, seconds } = await countOverdue(this.db, OVERDUE_MS);
    this.overdue.set(writes);
    this.oldest.set(seconds);
    if (writes > 0)
      this.seldom.run(() =>
        log.error({ writes, oldest_seconds: Math.round(seconds) }, 'ALARM: acknowledged writes have not ended'),
      );
  }
}
