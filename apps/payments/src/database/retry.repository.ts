import { fromUuid, uuidOf } from '@payflow/contracts';
import { Unnested, statement, type Transaction } from '@payflow/database';
import { keyOf } from './payment.repository.js';

/** A payment that is the retry of another one, which failed. */
export interface Retry {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly retryOf: string;
}

const RETRIES = new Unnested<Retry>([
  ['tenant_id', 'uuid', ({ tenant }) => uuidOf('tenant', tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['payment_id', 'uuid', ({ retryOf }) => uuidOf('payment', retryOf)],
  ['retry_id', 'uuid', ({ id }) => uuidOf('payment', id)],
]);

const IS_RETRY = (payment: string) =>
  `p.tenant_id = ${payment}.tenant_id and p.livemode = ${payment}.livemode and p.id = ${payment}.payment_id and p.retry_of_id is not null`;

// The place is that of the payment which all of them try again: a retry that failed, or had to stand back, can be tried again
// itself, and is no way round. Whoever comes second waits for the first, and finds it in its place: one that the statement's
// snapshot lacks has not failed.
const TAKE = statement(
  'payments.take-retries',
  `with recursive up as (
     select ${RETRIES.names}, row_number() over () as nth from ${RETRIES.from()}
     union all
     select u.tenant_id, u.livemode, p.retry_of_id, u.retry_id, u.nth from up u join payments p on ${IS_RETRY('u')})
   insert into payment_retries as r (${RETRIES.names})
   select distinct on (tenant_id, livemode, payment_id) ${RETRIES.names} from up u
   where not exists (select from payments p where ${IS_RETRY('u')})
   order by tenant_id, livemode, payment_id, nth
   on conflict (tenant_id, livemode, payment_id) do update set retry_id = excluded.retry_id
   where exists (
     select from payments p where p.tenant_id = r.tenant_id and p.livemode = r.livemode and p.id = r.retry_id
       and p.status in ('failed', 'canceled', 'expired'))
   returning tenant_id, livemode, retry_id as id`,
);

/**
 * Has each retry take the place of the one before it, where that took no money and never will: of a payment that failed at most
 * one retry is under way, or has succeeded, and of its retries none beside that. Returns the keys of those that had to stand back.
 * Of several in the set the first has the place.
 */
export async function takeRetries(tx: Transaction, retries: readonly Retry[]): Promise<ReadonlySet<string>> {
  const taken = new Set<string>();
  for (const values of RETRIES.batches(retries)) {
    const rows = await tx.rows<{ tenant_id: string; livemode: boolean; id: string }>(TAKE, values);
    for (const { tenant_id, livemode, id } of rows)
      taken.add(keyOf({ tenant: fromUuid('tenant', tenant_id), livemode, id: fromUuid('payment', id) }));
  }
  return new Set(retries.map(keyOf).filter((key) => !taken.has(key)));
}
