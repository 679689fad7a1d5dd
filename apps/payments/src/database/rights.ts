import type { Rights } from '@payflow/database';
import { INVARIANT_RIGHTS } from '@payflow/invariants';
import { JOB_RIGHTS } from '@payflow/jobs';
import { MESSAGING_RIGHTS, TEST_CLOCK_RIGHTS } from '@payflow/messaging';

/** What the payments service may change: how a payment stands, never what it is. */
export const rights: Rights = {
  ...MESSAGING_RIGHTS,
  ...INVARIANT_RIGHTS,
  ...TEST_CLOCK_RIGHTS,
  ...JOB_RIGHTS,
  payments: {
    update: [
      'status',
      'version',
      'capture',
      'failure_code',
      'failure_reason',
      'admission',
      'verdict_event_id',
      'amount_authorized_minor',
      'amount_captured_minor',
      'amount_refunded_minor',
      'amount_refunding_minor',
      'amount_disputed_minor',
      'next_action',
      'authorized_until',
      'operation_id',
      'connector',
      'provider_reference',
      'swept_at',
      'updated_at',
      'xact_id',
    ],
  },
  payment_operations: {
    update: [
      'status',
      'amount_minor',
      'failure_code',
      'answer_event_id',
      'needs_attention',
      'version',
      'updated_at',
      'xact_id',
    ],
  },
  payment_retries: { update: ['retry_id'] },
  payment_policies: { update: ['version', 'active'] },
  limits: { update: 'all' },
  risk_rules: { update: 'all' },
  limit_uses: { update: ['reserved_minor', 'used_minor', 'allowed_minor', 'updated_at'] },
  limit_reservations: { update: ['amount_minor', 'used_minor', 'status', 'updated_at', 'xact_id'] },
  reviews: {
    update: ['status', 'decided_at', 'decided_by', 'decision_reason', 'decision_id', 'swept_at', 'version', 'xact_id'],
  },
  ledger_steps: {
    update: ['status', 'reason', 'hold_left_minor', 'accounts', 'verdict_event_id', 'updated_at', 'xact_id'],
  },
  disputes: {
    update: [
      'status',
      'leg',
      'leg_try',
      'leg_command_id',
      'leg_transfer_id',
      'leg_reason',
      'evidence_submitted_at',
      'evidence_command_id',
      'evidence_attempt_id',
      'transfer_id',
      'return_transfer_id',
      'version',
      'updated_at',
      'swept_at',
      'xact_id',
    ],
  },
  dispute_legs: { update: ['status', 'reason', 'verdict_event_id', 'updated_at', 'xact_id'] },
  attempts: {
    update: [
      'status',
      'connector',
      'routing',
      'provider_reference',
      'code',
      'url',
      'sent_at',
      'unknown_at',
      'inquiries',
      'needs_attention',
      'version',
      'updated_at',
      'xact_id',
    ],
  },
  // Defined by the owner, with `payflow routes`.
  routes: { insert: false },
};
