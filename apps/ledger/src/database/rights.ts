import type { Rights } from '@payflow/database';
import { INVARIANT_RIGHTS } from '@payflow/invariants';
import { MESSAGING_RIGHTS, TEST_CLOCK_RIGHTS } from '@payflow/messaging';

/**
 * What the ledger may change: counters and terms of accounts, what becomes of holds, how far chains and checkpoints have come.
 * Transfers, verdicts, versions of metadata, seals, signing keys and snapshots it adds, and nobody changes.
 */
export const rights: Rights = {
  ...MESSAGING_RIGHTS,
  ...INVARIANT_RIGHTS,
  ...TEST_CLOCK_RIGHTS,
  accounts: {
    update: [
      'posted_debits',
      'posted_credits',
      'pending_debits',
      'pending_credits',
      'version',
      'last_recorded_at',
      'state',
      'overdraft',
      'overdraft_limit_minor',
      'metadata',
      'xact_id',
    ],
  },
  holds: { update: ['posted_minor', 'status', 'version', 'expiry_asked_at', 'changed_at', 'xact_id'] },
  reversals: { update: ['reversed_minor', 'version', 'corrected_by_id'] },
  periods: { update: ['status', 'horizon', 'event_id', 'event_data', 'closed_xact_id'] },
  chains: { insert: false, update: ['position', 'hash'] },
  verified_counters: { update: ['posted_debits', 'posted_credits'] },
  verified_horizon: { insert: false, update: ['horizon'] },
  snapshot_horizon: { insert: false, update: ['horizon'] },
};
