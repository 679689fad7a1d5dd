import { OPERATION_KINDS, uuidOf } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import type { OperationWrite } from '../acceptance/acceptable.js';
import { ownerColumns } from './keys.js';

const LOCK = statement(
  'payment-views.lock',
  `select 1 from payment_views where (tenant_id, livemode, id) in (
     select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))
   order by tenant_id, livemode, id for no key update`,
);

// The numbers follow each other in the order in which the writes stand. The rows are locked in the order in which every other
// statement locks them, and stay so until COMMIT: no two transactions give one number, and none is lost by one that rolls back.
const TAKE = statement(
  'payment-views.take-sequences',
  `with wanted as materialized (
     select * from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::bigint[]) with ordinality
       as w (tenant_id, livemode, id, if_version, place)),
   locked as materialized (
     select tenant_id, livemode, id, version, sequence from payment_views
     where (tenant_id, livemode, id) in (select tenant_id, livemode, id from wanted)
     order by tenant_id, livemode, id for no key update),
   compared as (
     select w.place, tenant_id, livemode, id, l.sequence, w.if_version, coalesce(w.if_version = l.version, true) as matches
     from wanted w join locked l using (tenant_id, livemode, id)),
   judged as (
     select place, tenant_id, livemode, id, sequence, matches and (if_version is null
       or not exists (
         select from payment_operation_views o where o.tenant_id = c.tenant_id and o.livemode = c.livemode
           and o.payment_id = c.id and o.status = 'pending' and o.id <> all ($5::uuid[]))
         and count(*) filter (where matches) over (partition by tenant_id, livemode, id order by place
           rows between unbounded preceding and 1 preceding) = 0) as fits
     from compared c),
   numbered as materialized (
     select place, tenant_id, livemode, id, fits, sequence + count(*) filter (where fits)
       over (partition by tenant_id, livemode, id order by place) as number
     from judged),
   raised as (
     update payment_views v set sequence = n.last
     from (select tenant_id, livemode, id, max(number) as last from numbered where fits group by 1, 2, 3) as n
     where v.tenant_id = n.tenant_id and v.livemode = n.livemode and v.id = n.id)
   select place::integer, fits, number::integer from numbered`,
);

/** The place of a command among those of its payment, or why it has none. */
export type Place = number | 'not_found' | 'version_differs';

/**
 * Gives each command the next place among those of its payment, where the payment is at the version asked for, and nothing is under
 * way that would leave it at another: of two that ask for one version, one is the first.
 */
export async function takeSequences(tx: Transaction, writes: readonly OperationWrite[]): Promise<Place[]> {
  if (writes.length === 0) return [];
  const payments = [
    ...ownerColumns(writes.map(({ view }) => view)),
    writes.map(({ view }) => uuidOf('payment', view.payment)),
  ];
  // What another transaction has put under way while this one waited for its lock is seen by the next statement only.
  if (writes.some(({ ifVersion }) => ifVersion !== null)) await tx.rows(LOCK, payments);
  const rows = await tx.rows<{ place: number; fits: boolean; number: number }>(TAKE, [
    ...payments,
    writes.map(({ ifVersion }) => ifVersion),
    writes.map(({ view }) => uuidOf(OPERATION_KINDS[view.kind], view.id)),
  ]);
  const places = writes.map((): Place => 'not_found');
  for (const { place, fits, number } of rows) places[place - 1] = fits ? number : 'version_differs';
  return places;
}
