import type { Database } from '@payflow/database';
import { Problem } from '@payflow/service';
import { LRUCache } from 'lru-cache';
import { keyOf, type Owner, type ResourceKey } from '../database/keys.js';
import { findUnits } from '../database/unit-view.repository.js';
import type { UnitView } from '../domain/asset.js';
import type { NamedUnit } from './acceptable.js';
import { Coalescer } from './coalescer.js';

/** About 100 bytes each: the units that are paid in again and again. */
const UNITS_MAX = 20_000;
/** Of a group with a thousand wrong legs, the first say enough. */
const ERRORS_MAX = 50;

/** What the gateway knows of tenants' own units. They never change, so they may be kept for ever; an unknown one is looked up each time. */
export class UnitDirectory {
  readonly #known = new LRUCache<string, true>({ max: UNITS_MAX });
  readonly #lookup: Coalescer<ResourceKey, UnitView>;

  constructor(db: Database) {
    this.#lookup = new Coalescer(keyOf, (keys) => findUnits(db, keys));
  }

  /** Throws the 422 that a request deserves which names units that its tenant has not defined. */
  async check({ tenant, livemode }: Owner, named: readonly NamedUnit[]): Promise<void> {
    const checked = await Promise.all(
      named.map(async ({ pointer, code }) => ({ pointer, isThere: await this.#has({ tenant, livemode, id: code }) })),
    );
    const missing = checked.filter(({ isThere }) => !isThere).slice(0, ERRORS_MAX);
    if (missing.length > 0)
      throw new Problem('asset_unknown', { errors: missing.map(({ pointer }) => unknown(pointer)) });
  }

  async #has(key: ResourceKey): Promise<boolean> {
    const text = keyOf(key);
    if (this.#known.has(text)) return true;
    const isThere = (await this.#lookup.get(key)) !== undefined;
    if (isThere) this.#known.set(text, true);
    return isThere;
  }
}

const unknown = (pointer: string) => ({ pointer, code: 'asset_unknown', detail: 'No such asset, and no such unit.' });
