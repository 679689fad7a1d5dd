import type { Rights } from '@payflow/database';
import { INVARIANT_RIGHTS } from '@payflow/invariants';
import { MESSAGING_RIGHTS } from '@payflow/messaging';

/** What the payments service may change: how a payment stands, never what it is. */
export const rights: Rights = {
  ...MESSAGING_RIGHTS,
  ...INVARIANT_RIGHTS,
  payments: { update: ['status', 'version', 'failure_code', 'verdict_event_id', 'updated_at', 'xact_id'] },
};
