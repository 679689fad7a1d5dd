import type { ProblemCode, Refusal } from '@payflow/contracts';

/** The ledger's reasons that a client can do something about; each is a problem of the same name. */
const TOLD = [
  'insufficient_funds',
  'account_closed',
  'account_frozen',
  'account_not_empty',
  'balance_overflow',
  'condition_failed',
  'hold_exceeded',
  'hold_expired',
  'hold_not_pending',
  'reversal_exceeds_original',
  'transfer_corrected',
  'version_differs',
  'account_not_found',
  'accounts_identical',
  'amount_not_positive',
  'assets_differ',
  'effective_in_future',
  'group_too_large',
  'hold_not_found',
  'id_reused',
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
