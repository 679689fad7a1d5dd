import { fromUuid, uuidOf } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import type { Owner } from '../domain/book.js';

/** A transfer as the ledger keeps it, with what has become of it since. */
export interface TransferFacts {
  readonly id: string;
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly amount: bigint;
  readonly asset: string;
  readonly payment: string | null;
  readonly group: string | null;
  readonly hold: string | null;
  readonly reverses: string | null;
  readonly reversed: bigint;
  /** The transfer in whose place it stands, and the one that stands in its own. */
  readonly corrects: string | null;
  readonly correctedBy: string | null;
  /** +1 per change of what is told of it. */
  readonly version: number;
  readonly recordedAt: Date;
  readonly effectiveAt: Date;
}

const FACTS = `t.debit_account_id, t.credit_account_id, t.amount_minor, t.asset, t.payment_id, t.group_id, t.hold_id, t.reverses_id,
     t.recorded_at, coalesce(t.effective_at, t.recorded_at) as effective_at, coalesce(r.reversed_minor, 0) as reversed_minor,
     coalesce(r.version, 0) + coalesce((
       select max(m.version) from metadata_versions m
       where m.tenant_id = t.tenant_id and m.livemode = t.livemode and m.resource = 'transfer' and m.id = t.id), 1) as version, r.corrected_by_id, c.transfer_id as corrects_id
   from transfers t left join reversals r on r.tenant_id = t.tenant_id and r.livemode = t.livemode and r.transfer_id = t.id
     left join reversals c on c.tenant_id = t.tenant_id and c.livemode = t.livemode and c.corrected_by_id = t.id
   where t.tenant_id = $1 and t.livemode = $2`;

const FIND = statement('reads.transfer', `select ${FACTS} and t.id = $3`);
const FIND_MANY = statement('reads.transfers', `select t.id, ${FACTS} and t.id = any ($3::uuid[])`);

interface TransferRow {
  debit_account_id: string;
  credit_account_id: string;
  amount_minor: bigint;
  asset: string;
  payment_id: string | null;
  group_id: string | null;
  hold_id: string | null;
  reverses_id: string | null;
  reversed_minor: bigint;
  corrects_id: string | null;
  corrected_by_id: string | null;
  version: bigint;
  recorded_at: Date;
  effective_at: Date;
}

/** A transfer of the owner by its id; undefined where none was posted. */
export async function findTransfer(db: Database, owner: Owner, id: string): Promise<TransferFacts | undefined> {
  const key = [uuidOf('tenant', owner.tenant), owner.livemode, uuidOf('transfer', id)];
  const [row] = await db.rows<TransferRow & Record<string, unknown>>(FIND, key);
  return row && factsOf(id, row);
}

/** Those of the transfers that were posted, in no order. */
export async function findTransfers(db: Database, owner: Owner, ids: readonly string[]): Promise<TransferFacts[]> {
  const uuids = ids.map((id) => uuidOf('transfer', id));
  const rows = await db.rows<TransferRow & { id: string }>(FIND_MANY, [
    uuidOf('tenant', owner.tenant),
    owner.livemode,
    uuids,
  ]);
  return rows.map((row) => factsOf(fromUuid('transfer', row.id), row));
}

function factsOf(id: string, row: TransferRow): TransferFacts {
  return {
    id,
    debitAccount: fromUuid('account', row.debit_account_id),
    creditAccount: fromUuid('account', row.credit_account_id),
    amount: row.amount_minor,
    asset: row.asset,
    payment: row.payment_id && fromUuid('payment', row.payment_id),
    group: row.group_id && fromUuid('group', row.group_id),
    hold: row.hold_id && fromUuid('hold', row.hold_id),
    reverses: row.reverses_id && fromUuid('transfer', row.reverses_id),
    reversed: row.reversed_minor,
    corrects: row.corrects_id && fromUuid('transfer', row.corrects_id),
    correctedBy: row.corrected_by_id && fromUuid('transfer', row.corrected_by_id),
    version: Number(row.version),
    recordedAt: row.recorded_at,
    effectiveAt: row.effective_at,
  };
}
