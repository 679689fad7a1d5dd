import { statement, type Database } from '@payflow/database';
import {
  PAYMENTS_MAX,
  SETTLED_S,
  paymentKeyColumns,
  type AcknowledgedPage,
  type PaymentKey,
  type PaymentState,
} from '@payflow/invariants';

const AT = `timestamptz 'epoch' + $1::bigint * interval '1 microsecond'`;

// Of a test space that was left behind, the views may be gone. A page ends between two records, not between two moments: many may have been acknowledged together.
const PAGE = statement(
  'internal.acknowledged-payments',
  `select r.tenant_id as tenant, r.livemode, r.resource_id as id, v.status,
     (extract(epoch from r.created_at) * 1000000)::bigint::text as at_us
   from (select tenant_id, livemode, resource_id, created_at from idempotency_records
     where resource_kind = 'payment' and created_at >= ${AT} and created_at < clock_timestamp() - interval '${SETTLED_S} seconds'
       and (created_at, resource_id) > (${AT}, $2::uuid)
       and (livemode or not exists (select from retired_test_spaces s where s.space_id = tenant_id))
     order by created_at, resource_id limit ${PAYMENTS_MAX}) as r
   left join payment_views v on v.tenant_id = r.tenant_id and v.livemode = r.livemode and v.id = r.resource_id
   order by r.created_at, r.resource_id`,
);

const STATES = statement(
  'internal.acknowledged-states',
  `select k.tenant, k.livemode, k.id, v.status
   from unnest($1::uuid[], $2::boolean[], $3::uuid[]) as k (tenant, livemode, id)
   left join payment_views v on v.tenant_id = k.tenant and v.livemode = k.livemode and v.id = k.id`,
);

/** Where a page begins: after this record. */
export interface AcknowledgedPlace {
  /** Microseconds since the epoch. */
  readonly at_us: string;
  readonly id: string;
}

/** Payments acknowledged after a place, and long enough ago to have arrived. */
export async function acknowledgedAfter(db: Database, { at_us, id }: AcknowledgedPlace): Promise<AcknowledgedPage> {
  const rows = await db.rows<PaymentState & { at_us: string }>(PAGE, [at_us, id]);
  const last = rows.at(-1);
  return {
    data: rows.map(({ tenant, livemode, id, status }) => ({ tenant, livemode, id, status })),
    next: last ? `${last.at_us}/${last.id}` : null,
    more: rows.length === PAYMENTS_MAX,
  };
}

/** What is shown of these payments now. */
export function shownStates(db: Database, keys: readonly PaymentKey[]): Promise<PaymentState[]> {
  return db.rows<PaymentState>(STATES, paymentKeyColumns(keys));
}
