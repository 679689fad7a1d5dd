import { REFUSALS, type ProblemCode, type Refusal } from '@payflow/contracts';

/** The ledger's reasons that a client can do something about; each is a problem of the same name. */
const TOLD = [
  'insufficient_funds',
  'account_closed',
  'account_frozen',
  'account_not_empty',
  'asset_exists',
  'balance_overflow',
  'condition_failed',
  'hold_exceeded',
  'hold_expired',
  'hold_not_pending',
  'period_closed',
  'period_not_over',
  'period_out_of_order',
  'reversal_exceeds_original',
  'review_not_open',
  'too_many_assets',
  'too_many_limits',
  'too_many_risk_rules',
  'transfer_corrected',
  'transfer_is_reversal',
  'version_differs',
  'account_not_found',
  'accounts_identical',
  'amount_not_positive',
  'asset_reserved',
  'assets_identical',
  'assets_differ',
  'conversion_too_large',
  'conversion_too_small',
  'effective_in_future',
  'group_too_large',
  'hold_not_found',
  'id_reused',
  'posting_rule_broken',
  'transaction_type_not_found',
  'transfer_not_found',
] as const satisfies readonly (ProblemCode & Refusal)[];

/** The problem that the ledger's reason for refusing a transfer or a hold stands for. */
export function refusalCode(reason: string): ProblemCode {
  return TOLD.find((code) => code === reason) ?? 'operation_refused';
}

/** The problem that the ledger's reason for not changing an account stands for: nobody wanted its funds. */
export function updateRefusalCode(reason: string): ProblemCode {
  return reason === 'insufficient_funds' ? 'overdraft_in_use' : refusalCode(reason);
}

/** Payments' own reasons for not doing what was asked of a payment; each is a problem of the same name. */
const TOLD_OF_PAYMENTS = [
  'payment_not_cancelable',
  'payment_not_capturable',
  'payment_not_confirmable',
  'payment_not_incrementable',
  'payment_disputed',
  'payment_not_refundable',
  'too_many_operations',
  'capture_exceeds_authorized',
  'refund_exceeds_captured',
] as const satisfies readonly ProblemCode[];

/**
 * The problem that a reason for not doing what was asked of a payment stands for. What is no reason of ours is a provider's word:
 * it declined, or none could be asked.
 */
export function paymentRefusalCode(reason: string): ProblemCode {
  const own = TOLD_OF_PAYMENTS.find((code) => code === reason);
  if (own) return own;
  // The organisation's own limits, which decline a payment that is made just so; and what payments says for a provider.
  if (reason === 'limit_exceeded' || reason === 'provider_declined') return 'declined';
  return Object.hasOwn(REFUSALS, reason) && reason !== 'provider_not_reached' ? refusalCode(reason) : 'declined';
}
