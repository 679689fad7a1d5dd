import type { Rights } from '@payflow/database';

/** What the checks write in every service's database. The archived tallies are the archiver's to write. */
export const INVARIANT_RIGHTS = {
  sent_tallies: { update: ['messages', 'id_sum'], delete: true },
  sent_horizon: { insert: false, update: ['horizon', 'seen_until'] },
  archived_tallies: { insert: false },
} as const satisfies Rights;
