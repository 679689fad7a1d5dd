import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@payflow/database';
import type { Staged } from '@payflow/messaging';
import { logger } from '@payflow/telemetry';
import type { ResourceKey } from '../database/keys.js';
import { countUnanswered } from '../database/transfer-bulk-view.repository.js';

const log = logger('bulk-feed');

/** Commands of one bulk that are on their way at once: what others ask for meanwhile stands behind so many, a twentieth of a second. */
const ON_THEIR_WAY_MAX = 1_000;
const LOOK_INTERVAL_MS = 20;
/** Where nothing is answered for so long, more is sent all the same: the answers may come late, and the claims run out. */
const PATIENCE_MS = 400;

/** Commands of a durable bulk that can be sent. */
export interface Slice {
  readonly staged: Staged;
  readonly commands: number;
}

/**
 * Sends the commands of bulks a slice at a time, the next ones as the first are answered. All at once they would fill the
 * partitions, and whoever asks for one transfer would wait for ten thousand. Nothing hangs on it: what is not sent by the time
 * that its claim runs out, or this process ends, the relay sends.
 */
export class BulkFeed {
  constructor(private readonly db: Database) {}

  /** Sends the first slices now, and goes on by itself. */
  start(bulk: ResourceKey, slices: readonly Slice[]): void {
    this.#feed(bulk, slices).catch((error: unknown) =>
      log.warn({ err: error }, 'a bulk was not sent to its end; the relay sends the rest'),
    );
  }

  async #feed(bulk: ResourceKey, slices: readonly Slice[]): Promise<void> {
    const total = slices.reduce((sum, { commands }) => sum + commands, 0);
    let sent = 0;
    for (const { staged, commands } of slices) {
      if (sent + commands > ON_THEIR_WAY_MAX) await this.#room(bulk, total, sent + commands - ON_THEIR_WAY_MAX);
      staged.publish();
      sent += commands;
    }
  }

  /** Resolves when so many of the commands are answered, or none has been for a while. */
  async #room(bulk: ResourceKey, total: number, answered: number): Promise<void> {
    let [before, since] = [-1, performance.now()];
    for (;;) {
      const now = total - (await countUnanswered(this.db, bulk));
      if (now > before) [before, since] = [now, performance.now()];
      if (now >= answered || performance.now() - since > PATIENCE_MS) return;
      await delay(LOOK_INTERVAL_MS);
    }
  }
}
