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
  payment_views: { update: 'all' },
  payment_operation_views: { update: 'all', delete: true },
  account_views: { update: 'all', delete: true },
  transfer_group_views: { update: 'all', delete: true },
  transfer_views: { update: 'all', delete: true },
  transfer_bulk_views: { update: ['pending', 'stopped_at'] },
  transaction_type_views: { update: 'all' },
  limit_views: { update: 'all' },
  risk_rule_views: { update: 'all' },
  review_views: { update: 'all' },
  hold_views: { update: 'all' },
  dispute_views: { update: 'all' },
  provider_webhooks: { delete: true },
  api_keys: { update: ['name', 'allowed_addresses', 'expires_at', 'revoked_at', 'version'] },
  users: {
    update: ['name', 'role', 'password_hash', 'invitation_hash', 'invitation_expires_at', 'disabled_at', 'version'],
  },
  sessions: { update: ['renewed_at', 'expires_at', 'ended_at', 'end_reason'], delete: true },
  session_tokens: { update: ['spent_at'], delete: true },
  login_failures: { update: 'all', delete: true },
  api_key_uses: { update: ['last_used_at', 'request_count'] },
};
