import type { Rights } from '@payflow/database';
import { INVARIANT_RIGHTS } from '@payflow/invariants';
import { MESSAGING_RIGHTS } from '@payflow/messaging';

/** What monitoring may change: its own series, which it prunes. */
export const rights: Rights = {
  ...MESSAGING_RIGHTS,
  ...INVARIANT_RIGHTS,
  payment_minutes: { update: ['payments', 'latency_counts'], delete: true },
  lag_minutes: { update: ['next_offset', 'lag_messages_max', 'lag_seconds_max'], delete: true },
  statement_spans: { delete: true },
  service_minutes: {
    update: ['samples', 'ready_samples', 'outbox_age_seconds_max', 'violations_max'],
    delete: true,
  },
};
