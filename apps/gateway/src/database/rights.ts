import type { Rights } from '@payflow/database';
import { INVARIANT_RIGHTS } from '@payflow/invariants';
import { MESSAGING_RIGHTS } from '@payflow/messaging';

/** What the gateway may change: its views, and what is noted of each write until it has its answer, and which keys are in use. Not a request's fingerprint. */
export const rights: Rights = {
  ...MESSAGING_RIGHTS,
  ...INVARIANT_RIGHTS,
  idempotency_records: {
    update: ['reply_status', 'reply_headers', 'reply_body', 'content_hash', 'copy_of', 'resource_id'],
    delete: true,
  },
  pending_writes: { update: ['republished_at'], delete: true },
  payment_views: { update: 'all', delete: true },
  payment_operation_views: { update: 'all', delete: true },
  account_views: { update: 'all', delete: true },
  transfer_group_views: { update: 'all', delete: true },
  transfer_views: { update: 'all', delete: true },
  transfer_bulk_views: { update: ['pending', 'stopped_at'], delete: true },
  unit_views: { update: ['scale', 'name', 'created_at'], delete: true },
  transaction_type_views: { update: 'all', delete: true },
  limit_views: { update: 'all', delete: true },
  risk_rule_views: { update: 'all', delete: true },
  review_views: { update: 'all', delete: true },
  hold_views: { update: 'all', delete: true },
  dispute_views: { update: 'all', delete: true },
  provider_webhooks: { delete: true },
  tenants: { update: ['test_space'] },
  retired_test_spaces: { update: ['swept_at'] },
  test_clocks: { update: ['ahead_ms', 'version', 'payments_heard', 'ledger_heard'] },
  access_blocks: { update: ['lift_wished_by', 'lift_reason', 'lifted_at', 'lift_event_id'], delete: true },
  api_keys: { update: ['name', 'allowed_addresses', 'api_version', 'expires_at', 'revoked_at', 'version'] },
  users: {
    update: ['name', 'role', 'password_hash', 'invitation_hash', 'invitation_expires_at', 'disabled_at', 'version'],
  },
  sessions: { update: ['renewed_at', 'expires_at', 'ended_at', 'end_reason'], delete: true },
  session_tokens: { update: ['spent_at'], delete: true },
  login_failures: { update: 'all', delete: true },
  api_key_uses: { update: ['last_used_at', 'request_count'] },
};
