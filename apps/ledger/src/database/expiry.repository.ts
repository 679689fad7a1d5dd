import { fromUuid } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import type { Owner } from '../domain/book.js';

/** A hold whose time is over. */
export interface ExpiredHold extends Owner {
  readonly id: string;
  readonly debitAccount: string;
  readonly creditAccount: string;
}

// Skipped rows are at another sweeper's, or being posted this very moment. Those that nobody has asked for come first, and one
// whose account stands still is asked for ever more seldom: it must not keep the others waiting, nor fill what is parked.
// The array sub-select keeps the limit out of a join.
const TAKE = statement(
  'holds.take-expired',
  `update holds set expiry_asked_at = clock_timestamp()
   where ctid = any (array (
     select ctid from holds
     where status = 'pending' and expires_at <= clock_timestamp()
       and (expiry_asked_at is null or expiry_asked_at < clock_timestamp()
         - least(interval '10 minutes', greatest($1 * interval '1 millisecond', expiry_asked_at - expires_at)))
     order by expiry_asked_at nulls first, expires_at limit $2 for update skip locked))
   returning tenant_id, livemode, id, debit_account_id, credit_account_id`,
);

export interface ExpiredRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
  debit_account_id: string;
  credit_account_id: string;
}

/** Takes pending holds whose time is over, but for those whose end was asked for within `ask_again_ms`, or within as long as they are overdue. */
export async function takeExpired(tx: Transaction, ask_again_ms: number, limit: number): Promise<ExpiredHold[]> {
  return (await tx.rows<ExpiredRow & Record<string, unknown>>(TAKE, [ask_again_ms, limit])).map(toExpired);
}

export function toExpired(row: ExpiredRow): ExpiredHold {
  return {
    tenant: fromUuid('tenant', row.tenant_id),
    livemode: row.livemode,
    id: fromUuid('hold', row.id),
    debitAccount: fromUuid('account', row.debit_account_id),
    creditAccount: fromUuid('account', row.credit_account_id),
  };
}
