import { WriteBehind } from '@payflow/cache';
import type { Database } from '@payflow/database';
import { addKeyUses, type ApiKeyUse } from '../database/api-key-use.repository.js';
import type { ApiKey } from '../database/api-key.repository.js';

const WRITTEN_EVERY_MS = 10_000;
const KEYS_MAX = 10_000;

/** Which keys are in use, and how much: noted at every request, written every ten seconds and in the drain. */
export class KeyUses {
  readonly #uses: WriteBehind<ApiKeyUse>;

  constructor(db: Database, interval_ms = WRITTEN_EVERY_MS) {
    this.#uses = new WriteBehind<ApiKeyUse>({
      name: 'api_key_uses',
      interval_ms,
      keys_max: KEYS_MAX,
      merge: (before, { lastUsedAt, requests }) => ({ ...before, lastUsedAt, requests: before.requests + requests }),
      write: (uses) => addKeyUses(db, [...uses.values()]),
    });
  }

  open(): void {
    this.#uses.open();
  }

  note(key: ApiKey): void {
    this.#uses.note(key.id, { key, lastUsedAt: Date.now(), requests: 1 });
  }

  close(): Promise<void> {
    return this.#uses.close();
  }
}
