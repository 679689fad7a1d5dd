import type { PaymentView } from '../../domain/payment.js';
import type { TransferView } from '../../domain/transfer.js';

/** What the ledger tells of a transfer. */
export interface LedgerTransfer {
  readonly id: string;
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: string;
  readonly asset: string;
  readonly payment: string | null;
  readonly hold: string | null;
  readonly reverses: string | null;
  readonly reversed: string;
  readonly corrects: string | null;
  readonly corrected_by: string | null;
  readonly version: number;
  readonly effective_at: string;
  readonly recorded_at: string;
}

/** A payment's own transfer. It is no row of the views, which would double the work of every payment for a rare read. */
export function transferOfPayment(payment: PaymentView, told: LedgerTransfer): TransferView {
  return {
    tenant: payment.tenant,
    livemode: payment.livemode,
    id: told.id,
    status: 'posted',
    debitAccount: told.debit_account,
    creditAccount: told.credit_account,
    amount: told.amount,
    asset: told.asset,
    group: null,
    position: null,
    payment: payment.id,
    hold: told.hold,
    reverses: told.reverses,
    reversed: told.reversed,
    corrects: told.corrects,
    correctedBy: told.corrected_by,
    type: null,
    rate: null,
    effectiveAt: told.effective_at,
    // The payment has it.
    metadata: {},
    metadataVersion: 1,
    failure: null,
    traceId: payment.traceId,
    version: told.version,
    createdAt: told.recorded_at,
    recordedAt: told.recorded_at,
  };
}
