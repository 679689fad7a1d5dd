import type { Caches } from '@payflow/cache';
import { OutcomeUnknown } from '@payflow/database';
import { TAGS } from '../cache/catalogue.js';
import type { Owner } from '../database/keys.js';

/** Runs a transaction that changes what these owners' views show. */
export type Changing = <T>(owners: readonly Owner[], work: () => Promise<T>) => Promise<T>;

/**
 * Answers nobody from a cache while the transaction runs, and forgets what was kept when it is over: a read after an accepted
 * write shows it. What became of a COMMIT whose answer got lost is not known; its change stays open until it is overdue.
 */
export function changing(caches: Caches): Changing {
  return async (owners, work) => {
    const tags = [...new Set(owners.map(TAGS.views))];
    caches.change(tags);
    try {
      const result = await work();
      caches.changedHere(tags);
      return result;
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) caches.changedHere(tags);
      throw error;
    }
  };
}
