import { statement, type Transaction } from '@payflow/database';
import { toExpired, type ExpiredHold, type ExpiredRow } from './expiry.repository.js';

// As what is live is taken, but by the space's own clock, and only what that alone ends. One whose account stands still is asked
// for ever more seldom the longer the clock has stood there.
const TAKE = statement(
  'holds.take-expired-of-test',
  `update holds set expiry_asked_at = clock_timestamp()
   where ctid = any (array (
     select h.ctid from test_clocks c join holds h on h.tenant_id = c.tenant_id and not h.livemode
     where c.ahead_ms > 0 and h.status = 'pending'
       and h.expires_at > statement_timestamp() and h.expires_at <= statement_timestamp() + c.ahead_ms * interval '1 millisecond'
       and (h.expiry_asked_at is null or h.expiry_asked_at < clock_timestamp()
         - least(interval '10 minutes', greatest($1 * interval '1 millisecond', h.expiry_asked_at - c.moved_at)))
     order by h.expiry_asked_at nulls first, h.expires_at limit $2 for update of h skip locked))
   returning tenant_id, livemode, id, debit_account_id, credit_account_id`,
);

/** {@link takeExpired} of test spaces that have travelled past the time of their holds. */
export async function takeExpiredOfTest(
  tx: Transaction,
  ask_again_ms: number,
  limit: number,
): Promise<readonly ExpiredHold[]> {
  return (await tx.rows<ExpiredRow & Record<string, unknown>>(TAKE, [ask_again_ms, limit])).map(toExpired);
}
