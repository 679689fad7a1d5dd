import { METRICS, crashAt } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { gauge, logger } from '@payflow/telemetry';
import { CLAIM_MS, claimExpired, oldestUnpublished } from './outbox.repository.js';
import type { Publisher } from './publisher.js';
import { recordsOf } from './rows.js';

const log = logger('relay');
const oldestSeconds = gauge(METRICS.outboxOldestSeconds, 'Age of the oldest unpublished outbox row.', []);

const POLL_MS = 500;
/** Rows claimed at once: what the lanes get through well within a claim. */
const CLAIM_ROWS_MAX = 200;

/**
 * Repairs what a crash, a full lane or a lost broker left unpublished: claims rows whose claim ran out, oldest first,
 * and sends them through the same lanes. Several relays share the work (`skip locked`).
 */
export class Relay {
  private timer: NodeJS.Timeout | undefined;
  private polling: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(
    private readonly database: Database,
    private readonly publisher: Publisher,
  ) {}

  start(): void {
    this.timer = setTimeout(() => {
      this.polling = this.poll().finally(() => {
        if (!this.closed) this.start();
      });
    }, POLL_MS);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.polling;
  }

  private async poll(): Promise<void> {
    try {
      oldestSeconds.set((await oldestUnpublished(this.database)).seconds);
      if (!this.publisher.connected) return;
      while (!this.closed && (await this.repair()) === CLAIM_ROWS_MAX);
    } catch (error) {
      log.warn({ err: error }, 'the relay could not read the outbox');
    }
  }

  /** Sends one claim's worth and returns its size. */
  private async repair(): Promise<number> {
    const claimedAt_ms = performance.now();
    const rows = await claimExpired(this.database, CLAIM_ROWS_MAX);
    if (rows.length > 0) {
      crashAt('relay-claim');
      log.info({ rows: rows.length }, 'sending rows whose claim had run out');
    }
    for (const row of rows) {
      this.publisher.offer(row.topic, row.partition, { row, records: recordsOf(row), expiresAt_ms: claimedAt_ms + CLAIM_MS });
    }
    return rows.length;
  }
}
