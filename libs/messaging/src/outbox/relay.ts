import { METRICS, crashAt } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { OncePerInterval, gauge, logger } from '@payflow/telemetry';
import { Repeat } from '../repeat.js';
import { CLAIM_MS, claimExpired, oldestUnpublished_s, type OutboxRow } from './outbox.repository.js';
import type { Publisher } from './publisher.js';
import { recordsOf } from './rows.js';

const log = logger('relay');
const oldestSeconds = gauge(METRICS.outboxOldestSeconds, 'Age of the oldest unpublished outbox row.', []);
// Without labels it is told as 0 from the start, and nobody has measured it yet.
oldestSeconds.remove();

const POLL_MS = 500;
/** Rows claimed at once: at most 45 MB of them in memory, and well within a claim to send. */
const CLAIM_ROWS_MAX = 50;
/** A long backlog is begun anew so often: rows at its front that were not sent at once do not wait until all others are. */
const ROUND_MS_MAX = 10_000;
const REPORT_INTERVAL_MS = 10_000;

/**
 * Repairs what a crash, a full lane or a lost broker left unpublished: claims rows whose claim ran out, oldest first,
 * and sends them through the same lanes. Several relays share the work (`skip locked`). A partition that takes nothing is left
 * out for a while, so that its rows, the oldest, keep no others waiting.
 */
export class Relay {
  private closed = false;
  private readonly polling = new Repeat(
    POLL_MS,
    () => this.poll(),
    (error) =>
      this.seldom.run((suppressed) => log.warn({ err: error, suppressed }, 'the relay could not read the outbox')),
  );
  private readonly seldom = new OncePerInterval(REPORT_INTERVAL_MS);

  constructor(
    private readonly database: Database,
    private readonly publisher: Publisher,
  ) {}

  start(): void {
    this.polling.start();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.polling.stop();
  }

  private async poll(): Promise<void> {
    await this.tellOldest();
    const until_ms = performance.now() + ROUND_MS_MAX;
    let last: OutboxRow | undefined;
    do last = await this.repair(last);
    while (last && performance.now() < until_ms);
  }

  /** What cannot be measured can be repaired all the same, and is not told: what it was before says nothing of now. */
  private async tellOldest(): Promise<void> {
    try {
      oldestSeconds.set(await oldestUnpublished_s(this.database));
    } catch (error) {
      oldestSeconds.remove();
      this.seldom.run((suppressed) => log.warn({ err: error, suppressed }, 'the oldest unpublished row is not known'));
    }
  }

  /**
   * Sends one claim's worth from behind `after` on, and returns once each row is acknowledged or left for another claim: the last
   * of them, if there may be more.
   */
  private async repair(after: OutboxRow | undefined): Promise<OutboxRow | undefined> {
    if (this.closed || !this.publisher.connected) return undefined;
    const claimedAt_ms = performance.now();
    const rows = await claimExpired(this.database, CLAIM_ROWS_MAX, this.publisher.troubled, after);
    if (rows.length > 0) {
      crashAt('relay-claim');
      log.info({ rows: rows.length }, 'sending rows whose claim had run out');
    }
    await Promise.all(rows.map((row) => this.send(row, claimedAt_ms + CLAIM_MS)));
    return rows.length === CLAIM_ROWS_MAX ? rows.at(-1) : undefined;
  }

  /** Resolves when the row is settled, or when its claim is over: what becomes of it then is another round's business. */
  private send(row: OutboxRow, expiresAt_ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, expiresAt_ms - performance.now());
      const onSettled = () => {
        clearTimeout(timer);
        resolve();
      };
      const bytes = Buffer.byteLength(row.messages);
      this.publisher.offer(row.topic, row.partition, { row, records: recordsOf(row), bytes, expiresAt_ms, onSettled });
    });
  }
}
