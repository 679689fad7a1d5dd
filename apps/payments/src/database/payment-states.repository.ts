import { statement, type Database } from '@payflow/database';
import { paymentKeyColumns, type PaymentKey, type PaymentState } from '@payflow/invariants';

const STATES = statement(
  'internal.payment-states',
  `select k.tenant, k.livemode, k.id, p.status
   from unnest($1::uuid[], $2::boolean[], $3::uuid[]) as k (tenant, livemode, id)
   left join payments p on p.tenant_id = k.tenant and p.livemode = k.livemode and p.id = k.id`,
);

/** The states of these payments; null for one that is not here. */
export function paymentStates(db: Database, keys: readonly PaymentKey[]): Promise<PaymentState[]> {
  return db.rows<PaymentState>(STATES, paymentKeyColumns(keys));
}
