import { statement, type Row, type Transaction } from '@payflow/database';
import { parked } from './parked.js';
import { toKey, type KeyRow, type PaymentKey } from './payment.repository.js';

// As with what is live: the longer the end does not come, the less often it is asked for.
const isDue = (alias: string) => `(${alias}.swept_at is null or ${alias}.swept_at < statement_timestamp()
         - greatest($1 * interval '1 millisecond', least((statement_timestamp() - c.moved_at) / 8, interval '6 hours')))
         and not exists (${parked(`${alias}.tenant_id`, `${alias}.id`)})`;
const isPast = (end: string) => `${end} >= statement_timestamp() and ${end} < c.now`;

// By the space's own clock, and only what that alone ends.
const OVER = statement(
  'payments.over-of-test',
  `with clocks as (
     select tenant_id, moved_at, statement_timestamp() + ahead_ms * interval '1 millisecond' as now from test_clocks where ahead_ms > 0),
   captured_late as (
     select p.tenant_id, p.livemode, p.id from clocks c join payments p on p.tenant_id = c.tenant_id and not p.livemode
     where p.status in ('authorized', 'partially_captured') and ${isPast('p.authorized_until')} and ${isDue('p')}
     order by p.authorized_until limit $2 for update of p skip locked),
   never_acted_on as (
     select p.tenant_id, p.livemode, p.id from clocks c join payments p on p.tenant_id = c.tenant_id and not p.livemode
     where p.status = 'requires_action' and ${isPast('p.expires_at')} and ${isDue('p')}
     order by p.expires_at limit $2 for update of p skip locked),
   never_looked_at as (
     select r.tenant_id, r.livemode, r.id from clocks c join reviews r on r.tenant_id = c.tenant_id and not r.livemode
     where r.status = 'open' and ${isPast('r.expires_at')} and ${isDue('r')}
     order by r.expires_at limit $2 for update of r skip locked),
   swept_payments as (
     update payments set swept_at = clock_timestamp()
     where (tenant_id, livemode, id) in (select * from captured_late union all select * from never_acted_on)
     returning tenant_id, livemode, id),
   swept_reviews as (
     update reviews set swept_at = clock_timestamp()
     where (tenant_id, livemode, id) in (select * from never_looked_at)
     returning tenant_id, livemode, id)
   select *, true as is_payment from swept_payments union all select *, false from swept_reviews`,
);

interface OverRow extends Row, KeyRow {
  is_payment: boolean;
}

/** {@link takeOver} and {@link takeReviewsOver} of test spaces that have travelled past their time. Returns their payments. */
export async function takeOverOfTest(
  tx: Transaction,
  wait_ms: number,
  limit: number,
): Promise<{ readonly payments: readonly PaymentKey[]; readonly reviews: readonly PaymentKey[] }> {
  const rows = await tx.rows<OverRow>(OVER, [wait_ms, limit]);
  return {
    payments: rows.filter(({ is_payment }) => is_payment).map(toKey),
    reviews: rows.filter(({ is_payment }) => !is_payment).map(toKey),
  };
}
