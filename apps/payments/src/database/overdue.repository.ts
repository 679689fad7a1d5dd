import { statement, type Transaction } from '@payflow/database';
import { parked } from './parked.js';
import { toKey, type KeyRow, type PaymentKey } from './payment.repository.js';

const UNHEARD = statement(
  'ledger-steps.unheard',
  `with taken as (
     update ledger_steps set updated_at = clock_timestamp()
     where (tenant_id, livemode, operation_id, step) in (
       select tenant_id, livemode, operation_id, step from ledger_steps
       where status = 'asked' and updated_at < clock_timestamp() - $1 * interval '1 millisecond'
         and not exists (${parked('ledger_steps.tenant_id', 'ledger_steps.payment_id')})
       order by updated_at limit $2 for update skip locked)
     returning tenant_id, livemode, payment_id)
   select distinct tenant_id, livemode, payment_id as id from taken`,
);

// Each try is an operation that stays: the longer a provider has not given the end, the less often it is asked for.
const isDue = (end: string) => `(swept_at is null or swept_at < clock_timestamp()
         - greatest($1 * interval '1 millisecond', least((clock_timestamp() - ${end}) / 8, interval '6 hours')))`;

const NOT_PARKED = `and not exists (${parked('payments.tenant_id', 'payments.id')})`;

const OVER = statement(
  'payments.over',
  `with captured_late as (
     select tenant_id, livemode, id from payments
     where status in ('authorized', 'partially_captured') and authorized_until < clock_timestamp()
       and ${isDue('authorized_until')} ${NOT_PARKED}
     order by authorized_until limit $2 for update skip locked),
   never_acted_on as (
     select tenant_id, livemode, id from payments
     where status = 'requires_action' and expires_at < clock_timestamp()
       and ${isDue('expires_at')} ${NOT_PARKED}
     order by expires_at limit $2 for update skip locked)
   update payments set swept_at = clock_timestamp()
   where (tenant_id, livemode, id) in (select * from captured_late union all select * from never_acted_on)
   returning tenant_id, livemode, id`,
);

const IN_NEED = statement(
  'payment-operations.in-need',
  `update payment_operations set updated_at = clock_timestamp()
   where (tenant_id, livemode, id) in (
     select tenant_id, livemode, id from payment_operations
     where status not in ('succeeded', 'failed') and needs_attention and updated_at < clock_timestamp() - $1 * interval '1 millisecond'
       and not exists (${parked('payment_operations.tenant_id', 'payment_operations.payment_id')})
     order by updated_at limit $2 for update skip locked)
   returning tenant_id, livemode, payment_id as id`,
);

/** Takes operations that wait for a person, so that what they wait for is tried again. Returns their payments. */
export async function takeInNeed(tx: Transaction, wait_ms: number, limit: number): Promise<PaymentKey[]> {
  return (await tx.rows<KeyRow>(IN_NEED, [wait_ms, limit])).map(toKey);
}

/** Takes steps that have waited for the ledger longer than `wait_ms`, and starts their wait anew. Returns their payments. */
export async function takeUnheard(tx: Transaction, wait_ms: number, limit: number): Promise<PaymentKey[]> {
  return (await tx.rows<KeyRow>(UNHEARD, [wait_ms, limit])).map(toKey);
}

/** Takes payments whose time is over; one whose end does not come is taken again after `wait_ms`, and then later and later. */
export async function takeOver(tx: Transaction, wait_ms: number, limit: number): Promise<PaymentKey[]> {
  return (await tx.rows<KeyRow>(OVER, [wait_ms, limit])).map(toKey);
}
