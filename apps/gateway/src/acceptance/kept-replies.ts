import { METRICS } from '@payflow/contracts';
import { counter } from '@payflow/telemetry';
import { LRUCache } from 'lru-cache';
import { idempotencyKeyOf } from '../database/acceptance.repository.js';
import type { Reply } from './acceptable.js';
import type { WriteIdentity } from './writes.js';

/** Some ten thousand replies: at 1,000 writes a second the last ten seconds', at a hundred the last two minutes'. */
const BYTES_MAX = 16 * 1_024 * 1_024;
/** Of one reply beside its body: fingerprint, headers, key and the entry. */
const ENTRY_BYTES = 600;
/** Much shorter than replies are kept in Postgres, so that none is told longer than it may be. */
const KEPT_MS = 600_000;

interface Kept {
  /** As Latin-1: what is kept for long had better be no buffer, which is an object with memory of its own beside it. */
  readonly fingerprint: string;
  readonly reply: Reply;
}

const replays = counter(
  METRICS.idempotencyReplays,
  'Copies of a write that came with its key after its end, by where its final reply was found.',
  ['from'],
);

/**
 * Final replies that this process has just sent, for the copy that a client sends because it did not hear: most come within
 * seconds and over the same connection. A final reply never changes, so it may be told without asking the database. Of a key that is
 * not here, or stands for another request, nothing is said: Postgres decides.
 */
export class KeptReplies {
  readonly #kept = new LRUCache<string, Kept>({ maxSize: BYTES_MAX, ttl: KEPT_MS });

  find(copy: WriteIdentity): Reply | undefined {
    const kept = this.#kept.get(idempotencyKeyOf(copy));
    if (kept?.fingerprint !== copy.fingerprint.toString('latin1')) return undefined;
    replays.inc({ from: 'memory' });
    return kept.reply;
  }

  /** A reply that Postgres had for this copy. */
  found(copy: WriteIdentity, reply: Reply): void {
    replays.inc({ from: 'database' });
    this.keep(copy, reply);
  }

  /** A reply as it is stored under the key. */
  keep(write: WriteIdentity, reply: Reply): void {
    const fingerprint = write.fingerprint.toString('latin1');
    this.#kept.set(idempotencyKeyOf(write), { fingerprint, reply }, { size: reply.body.length + ENTRY_BYTES });
  }
}
