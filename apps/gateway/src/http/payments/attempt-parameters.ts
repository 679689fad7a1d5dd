import type { LedgerQuery } from '../ledger/ledger-query.js';
import type { FilterReaders } from '../lists/list-filters.js';

/** Which attempts are listed: those alone that wait for a human, and whoever asks has to say so. */
export const ATTEMPT_PARAMETERS: FilterReaders<LedgerQuery> = {
  needs_attention: {
    name: 'needs_attention',
    read: (text) => (text === 'true' ? { value: text } : { mustBe: '`true`' }),
  },
};
