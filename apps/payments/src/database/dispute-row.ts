import { fromUuid, uuidOf, type DisputeLeg, type DisputeStatus, type IdKind } from '@payflow/contracts';
import type { Dispute } from '../domain/dispute.js';

/** A dispute's columns and their types, but for those that the database fills in itself. */
const TYPES = {
  tenant_id: 'uuid',
  livemode: 'boolean',
  id: 'uuid',
  payment_id: 'uuid',
  connector: 'text',
  provider_reference: 'text',
  status: 'text',
  leg: 'text',
  leg_try: 'integer',
  leg_command_id: 'uuid',
  leg_transfer_id: 'uuid',
  leg_reason: 'text',
  amount_minor: 'bigint',
  asset: 'text',
  reason: 'text',
  source_account_id: 'uuid',
  destination_account_id: 'uuid',
  evidence_due_by: 'timestamptz',
  evidence_submitted_at: 'timestamptz',
  evidence_command_id: 'uuid',
  evidence_attempt_id: 'uuid',
  transfer_id: 'uuid',
  return_transfer_id: 'uuid',
  version: 'bigint',
  created_at: 'timestamptz',
  updated_at: 'timestamptz',
} as const;

export const DISPUTE_COLUMNS = Object.keys(TYPES) as readonly (keyof typeof TYPES)[];
/** As `json_to_recordset` wants them. */
export const DISPUTE_RECORD = Object.entries(TYPES)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ');
/** What never changes of a dispute. */
const FIXED: ReadonlySet<string> = new Set([
  ...[
    'tenant_id',
    'livemode',
    'id',
    'payment_id',
    'connector',
    'provider_reference',
    'amount_minor',
    'asset',
    'reason',
  ],
  ...['source_account_id', 'destination_account_id', 'created_at'],
]);
export const DISPUTE_CHANGING = DISPUTE_COLUMNS.filter((name) => !FIXED.has(name));

/** A row of the columns above. */
export interface DisputeRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
  payment_id: string;
  connector: string;
  provider_reference: string;
  status: DisputeStatus;
  leg: DisputeLeg;
  leg_try: number;
  leg_command_id: string | null;
  leg_transfer_id: string | null;
  leg_reason: string | null;
  amount_minor: bigint;
  asset: string;
  reason: string | null;
  source_account_id: string;
  destination_account_id: string;
  evidence_due_by: Date | null;
  evidence_submitted_at: Date | null;
  evidence_command_id: string | null;
  evidence_attempt_id: string | null;
  transfer_id: string | null;
  return_transfer_id: string | null;
  version: bigint;
  created_at: Date;
  updated_at: Date;
}

export function toDispute(row: DisputeRow): Dispute {
  return {
    id: fromUuid('dispute', row.id),
    tenant: fromUuid('tenant', row.tenant_id),
    livemode: row.livemode,
    payment: fromUuid('payment', row.payment_id),
    connector: row.connector,
    providerReference: row.provider_reference,
    status: row.status,
    leg: row.leg,
    legTry: row.leg_try,
    legCommand: publicId('event', row.leg_command_id),
    legTransfer: publicId('transfer', row.leg_transfer_id),
    legReason: row.leg_reason,
    amount: row.amount_minor.toString(),
    asset: row.asset,
    reason: row.reason,
    source: fromUuid('account', row.source_account_id),
    destination: fromUuid('account', row.destination_account_id),
    evidenceDueBy: row.evidence_due_by?.toISOString() ?? null,
    evidenceSubmittedAt: row.evidence_submitted_at?.toISOString() ?? null,
    evidenceCommand: publicId('event', row.evidence_command_id),
    evidenceAttempt: publicId('attempt', row.evidence_attempt_id),
    transfer: publicId('transfer', row.transfer_id),
    returnTransfer: publicId('transfer', row.return_transfer_id),
    version: Number(row.version),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

/** The columns above as a member of a JSON array. */
export function disputeRecord(dispute: Dispute): Readonly<Record<keyof typeof TYPES, unknown>> {
  return {
    tenant_id: uuidOf('tenant', dispute.tenant),
    livemode: dispute.livemode,
    id: uuidOf('dispute', dispute.id),
    payment_id: uuidOf('payment', dispute.payment),
    connector: dispute.connector,
    provider_reference: dispute.providerReference,
    status: dispute.status,
    leg: dispute.leg,
    leg_try: dispute.legTry,
    leg_command_id: uuid('event', dispute.legCommand),
    leg_transfer_id: uuid('transfer', dispute.legTransfer),
    leg_reason: dispute.legReason,
    amount_minor: dispute.amount,
    asset: dispute.asset,
    reason: dispute.reason,
    source_account_id: uuidOf('account', dispute.source),
    destination_account_id: uuidOf('account', dispute.destination),
    evidence_due_by: dispute.evidenceDueBy,
    evidence_submitted_at: dispute.evidenceSubmittedAt,
    evidence_command_id: uuid('event', dispute.evidenceCommand),
    evidence_attempt_id: uuid('attempt', dispute.evidenceAttempt),
    transfer_id: uuid('transfer', dispute.transfer),
    return_transfer_id: uuid('transfer', dispute.returnTransfer),
    version: dispute.version,
    created_at: dispute.createdAt,
    updated_at: dispute.updatedAt,
  };
}

function publicId(kind: IdKind, id: string | null): string | null {
  return id === null ? null : fromUuid(kind, id);
}

function uuid(kind: IdKind, id: string | null): string | null {
  return id === null ? null : uuidOf(kind, id);
}
