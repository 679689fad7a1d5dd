import type { RateText, TransferKind } from '@payflow/contracts';

/** Why the ledger refused, and which leg was at fault, counted from 0; null where none was. */
export interface TransferFailure {
  readonly code: string;
  readonly leg: number | null;
}

/** `pending` until the ledger has spoken; the two others are never left. */
export type TransferStatus = 'pending' | 'posted' | 'failed';

export function transferKind({ hold, reverses, corrects }: TransferView): TransferKind {
  if (hold !== null) return 'hold_posting';
  if (reverses !== null) return 'reversal';
  return corrects === null ? 'plain' : 'correction';
}

/** A transfer as the gateway shows it. Until it is posted, `amount` is what was asked for; then, what moved. */
export interface TransferView {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly status: TransferStatus;
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly amount: string;
  readonly asset: string;
  readonly group: string | null;
  /** Its place in the group, from 0. */
  readonly position: number | null;
  /** The payment that it books, or books a part of. */
  readonly payment: string | null;
  /** The hold that it posts, or posts a part of. */
  readonly hold: string | null;
  /** The transfer that it moves back. */
  readonly reverses: string | null;
  /** How much of it has been moved back. */
  readonly reversed: string;
  /** The transaction type that it named. */
  readonly type: string | null;
  /** The transfer in whose place it stands. */
  readonly corrects: string | null;
  /** The transfer that stands in its place. */
  readonly correctedBy: string | null;
  readonly effectiveAt: string | null;
  /** Of a conversion: minor units of the second transfer's asset for minor units of the first's. */
  readonly rate: RateText | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The ledger's: 1 when it was booked, +1 per change of its metadata. */
  readonly metadataVersion: number;
  readonly failure: TransferFailure | null;
  readonly traceId: string | null;
  /** +1 per change of the view, 0 while pending. */
  readonly version: number;
  readonly createdAt: string;
  readonly recordedAt: string | null;
}

/** Transfers that were asked for together: all of them or none. */
export interface TransferGroupView {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly status: TransferStatus;
  readonly transfers: readonly TransferView[];
  /** Of a conversion. */
  readonly rate: RateText | null;
  readonly effectiveAt: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly failure: TransferFailure | null;
  readonly traceId: string | null;
  readonly version: number;
  readonly createdAt: string;
  readonly recordedAt: string | null;
}

/** The transfer of the HTTP API, in the order of the documentation. */
export function transferResource(view: TransferView) {
  return {
    id: view.id,
    object: 'transfer',
    kind: transferKind(view),
    status: view.status,
    debit_account: view.debitAccount,
    credit_account: view.creditAccount,
    amount: view.amount,
    asset: view.asset,
    group: view.group,
    payment: view.payment,
    hold: view.hold,
    reverses: view.reverses,
    reversed: view.reversed,
    type: view.type,
    corrects: view.corrects,
    corrected_by: view.correctedBy,
    effective_at: view.effectiveAt,
    rate: view.rate,
    failure: view.failure,
    metadata: view.metadata,
    livemode: view.livemode,
    trace_id: view.traceId,
    created_at: view.createdAt,
    recorded_at: view.recordedAt,
  };
}

/** The group of the HTTP API, its transfers in the order in which they were asked for. */
export function transferGroupResource(view: TransferGroupView) {
  return {
    id: view.id,
    object: 'transfer_group',
    status: view.status,
    transfers: view.transfers.map(transferResource),
    rate: view.rate,
    effective_at: view.effectiveAt,
    failure: view.failure,
    metadata: view.metadata,
    livemode: view.livemode,
    trace_id: view.traceId,
    created_at: view.createdAt,
    recorded_at: view.recordedAt,
  };
}

/** A group's transfers change with what is moved back of them, and are part of what is shown. */
export function versionOfGroup({ version, transfers }: TransferGroupView): number {
  return transfers.reduce((sum, transfer) => sum + transfer.version, version);
}
