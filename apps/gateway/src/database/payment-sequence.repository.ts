import { uuidOf } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import type { OperationWrite } from '../acceptance/acceptable.js';
import { ownerColumns } from './keys.js';

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
   numbered as materialized (
     select w.place, l.tenant_id, l.livemode, l.id, coalesce(w.if_version = l.version, true) as fits,
       l.sequence + count(*) filter (where coalesce(w.if_version = l.version, true))
         over (partition by l.tenant_id, l.livemode, l.id order by w.place) as number
     from wanted w join locked l using (tenant_id, livemode, id)),
   raised as (
     update payment_views v set sequence = n.last
     from (select tenant_id, livemode, id, max(number) as last from numbered where fits group by 1, 2, 3) as n
     where v.tenant_id = n.tenant_id and v.livemode = n.livemode and v.id = n.id)
   select place::integer, fits, number::integer from numbered`,
);

/** The place of a command among those of its payment, or why it has none. */
export type Place = number | 'not_found' | 'version_differs';

/** Gives each command the next place among those of its payment, where the payment is at the version asked for. */
export async function takeSequences(tx: Transaction, writes: readonly OperationWrite[]): Promise<Place[]> {
  if (writes.length === 0) return [];
  const rows = await tx.rows<{ place: number; fits: boolean; number: number }>(TAKE, [
    ...ownerColumns(writes.map(({ view }) => view)),
    writes.map(({ view }) => uuidOf('payment', view.payment)),
    writes.map(({ ifVersion }) => ifVersion),
  ]);
  const places = writes.map((): Place => 'not_found');
  for (const { place, fits, number } of rows) places[place - 1] = fits ? number : 'version_differs';
  return places;
}
