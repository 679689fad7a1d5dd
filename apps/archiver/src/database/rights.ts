import type { Rights } from '@payflow/database';
import { INVARIANT_RIGHTS } from '@payflow/invariants';
import { MESSAGING_RIGHTS } from '@payflow/messaging';

/** What the archiver may change: its tallies. Events it adds, and nobody changes. */
export const rights: Rights = {
  ...MESSAGING_RIGHTS,
  ...INVARIANT_RIGHTS,
  archived_tallies: { update: ['messages', 'id_sum'] },
};
