import { METRICS, type BlockKind } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { Problem } from '@payflow/service';
import { counter, gauge } from '@payflow/telemetry';
import { findHeldBlocks } from '../database/access-block.repository.js';
import { secondsOf } from './rate-headers.js';

/** More are not looked at by a request: who is behind that many addresses is stopped by other means. */
const HELD_MAX = 50_000;

const refused = counter(METRICS.blockedRequests, 'Requests of those who are blocked, by whom the block is on.', [
  'kind',
] as const);

/** Who is not let in now, as this process has heard: a look at a map, and for nobody more. */
export class Blocks {
  /** Until when, by the clock of this process that nobody sets: one that is wrong ends no block, and makes none longer. */
  #held: ReadonlyMap<string, number> = new Map();

  constructor(private readonly db: Database) {
    gauge(METRICS.blocks, 'Addresses and credentials that are blocked now, as this process has heard.', [], (metric) =>
      metric.set(this.#held.size),
    );
  }

  /** Why the request of a subject is refused, or undefined. */
  refusal(kind: BlockKind, subject: string): Problem | undefined {
    if (this.#held.size === 0) return undefined;
    const left_ms = (this.#held.get(`${kind} ${subject}`) ?? 0) - performance.now();
    if (left_ms <= 0) return undefined;
    refused.inc({ kind });
    const headers = { 'retry-after': String(secondsOf(left_ms)) };
    return new Problem(kind === 'address' ? 'address_blocked' : 'credential_blocked', { headers });
  }

  /** Learns which blocks hold. True where an operator wants one of them lifted. */
  async load(): Promise<boolean> {
    const held = await findHeldBlocks(this.db, HELD_MAX);
    const now = performance.now();
    this.#held = new Map(held.map(({ kind, subject, left_ms }) => [`${kind} ${subject}`, now + left_ms]));
    return held.some(({ isToLift }) => isToLift);
  }
}
