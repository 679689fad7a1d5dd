import { statement, type Transaction } from '@payflow/database';
import { parked } from './parked.js';
import { toKey, type KeyRow, type PaymentKey } from './payment.repository.js';

// The longer it has been refused, the less often it is tried. A later try hides the ones before it.
const UNDIVIDED = statement(
  'ledger-steps.undivided',
  `with taken as (
     update ledger_steps set updated_at = clock_timestamp()
     where (tenant_id, livemode, operation_id, step) in (
       select tenant_id, livemode, operation_id, step from ledger_steps r
       where command_type = 'payflow.group.post.v1' and status = 'refused'
         and updated_at < clock_timestamp()
           - least($1 * power(2, least(split_part(step, ':', 2)::integer, 20) - 1), $2) * interval '1 millisecond'
         and not exists (
           select from ledger_steps l
           where (l.tenant_id, l.livemode, l.operation_id) = (r.tenant_id, r.livemode, r.operation_id)
             and l.command_type = r.command_type and l.asked_at > r.asked_at)
         and not exists (${parked('r.tenant_id', 'r.payment_id')})
       order by updated_at limit $3 for update skip locked)
     returning tenant_id, livemode, payment_id)
   select distinct tenant_id, livemode, payment_id as id from taken`,
);

/** How long after the first refusal it is tried again, twice as long after each one more, and how long at most: ms. */
export interface Patience {
  readonly first_ms: number;
  readonly max_ms: number;
}

/** Takes payments of which something could not be divided, and whose turn it is to try again. */
export async function takeUndivided(
  tx: Transaction,
  { first_ms, max_ms }: Patience,
  limit: number,
): Promise<PaymentKey[]> {
  return (await tx.rows<KeyRow>(UNDIVIDED, [first_ms, max_ms, limit])).map(toKey);
}
