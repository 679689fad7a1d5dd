import { hash } from 'node:crypto';
import type { RedisConnection } from '@payflow/cache';
import { METRICS, type BlockKind, type Suspicion } from '@payflow/contracts';
import { counter } from '@payflow/telemetry';
import { LRUCache } from 'lru-cache';
import type { BlockedOwner } from '../database/access-block.repository.js';
import { RateStore, WINDOW_S } from './rate-store.js';
import { SharedCounts } from './shared-counts.js';

/** How many different tries within a minute are too many; 0: as many as there are. */
export type SuspicionLimits = Readonly<Record<Suspicion, number>>;

/** Whom to block, and why. */
export interface Suspect {
  readonly kind: BlockKind;
  readonly subject: string;
  readonly suspicion: Suspicion;
  readonly count: number;
  /** Whose credential it is; an address is nobody's. */
  readonly of: BlockedOwner | undefined;
}

const KIND_OF: Readonly<Record<Suspicion, BlockKind>> = {
  unauthenticated_burst: 'address',
  not_found_burst: 'address',
  id_enumeration: 'credential',
};

/** Whose tries are remembered at a time. */
const SUBJECTS_MAX = 10_000;
const WINDOW_MS = WINDOW_S * 1_000;

const suspicions = counter(METRICS.suspicions, 'Addresses and credentials that became suspicious, by what they did.', [
  'suspicion',
] as const);

/**
 * Notes what somebody tried in vain, each thing once: a client that is stuck asks for the same with the same key again and again,
 * one that guesses asks for something else each time.
 */
export class Suspicions {
  readonly #watched = new Map<Suspicion, { readonly counts: SharedCounts; readonly tries: Tries }>();

  constructor(
    connection: RedisConnection,
    limits: SuspicionLimits,
    private readonly suspect: (suspect: Suspect) => void,
  ) {
    for (const [suspicion, limit] of Object.entries(limits) as [Suspicion, number][]) {
      if (limit === 0) continue;
      const counts = new SharedCounts(suspicion, limit, WINDOW_MS, new RateStore(connection, suspicion, limit));
      this.#watched.set(suspicion, { counts, tries: new Tries(limit) });
    }
  }

  /** Somebody tried something. `tried`: what, or undefined where each try is another. `of`: whose credential it was. */
  note(suspicion: Suspicion, subject: string, tried: string | undefined, of?: BlockedOwner): void {
    const watched = this.#watched.get(suspicion);
    const now = performance.now();
    if (!watched || (tried !== undefined && !watched.tries.isNew(subject, tried, now))) return;
    const { counts } = watched;
    if (counts.take(subject, now).left > 0) return;
    suspicions.inc({ suspicion });
    this.suspect({ kind: KIND_OF[suspicion], subject, suspicion, count: counts.limit, of });
  }

  get counts(): readonly SharedCounts[] {
    return [...this.#watched.values()].map(({ counts }) => counts);
  }
}

interface Tried {
  readonly since: number;
  readonly things: Set<string>;
}

/** What each subject has tried of late, by hashes: some of it was meant to be a secret. */
export class Tries {
  readonly #tried = new LRUCache<string, Tried>({ max: SUBJECTS_MAX });

  constructor(private readonly things_max: number) {}

  isNew(subject: string, thing: string, now: number): boolean {
    const digest = hash('sha256', thing, 'base64url').slice(0, 12);
    let tried = this.#tried.get(subject);
    if (!tried || now - tried.since >= WINDOW_MS || tried.things.size >= this.things_max)
      this.#tried.set(subject, (tried = { since: now, things: new Set() }));
    if (tried.things.has(digest)) return false;
    tried.things.add(digest);
    return true;
  }
}
