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

// Whoever comes second waits for the first, and finds it in its place: one that the statement's snapshot lacks has not failed.
const TAKE = statement(
  'payments.take-retries',
  `insert into payment_retries as r (${RETRIES.names}) select * from ${RETRIES.from()} order by 1, 2, 3
   on conflict (tenant_id, livemode, payment_id) do update set retry_id = excluded.retry_id
   where exists (
     select from payments p where p.tenant_id = r.tenant_id and p.livemode = r.livemode and p.id = r.retry_id
       and p.status in ('failed', 'canceled'))
   returning tenant_id, livemode, retry_id as id`,
);

/**
 * Has each retry take the place of the one before it, where that has failed or was called off: of a payment that failed at most one
 * retry is under way, or has succeeded. Returns the keys of those that had to stand back. Of two in the set the first has the place.
 */
export async function takeRetries(tx: Transaction, retries: readonly Retry[]): Promise<ReadonlySet<string>> {
  if (retries.length === 0) return new Set();
  const firsts = new Map(retries.toReversed().map((retry) => [keyOf({ ...retry, id: retry.retryOf }), retry]));
  const taken = new Set<string>();
  for (const values of RETRIES.batches([...firsts.values()])) {
    const rows = await tx.rows<{ tenant_id: string; livemode: boolean; id: string }>(TAKE, values);
    for (const { tenant_id, livemode, id } of rows)
      taken.add(keyOf({ tenant: fromUuid('tenant', tenant_id), livemode, id: fromUuid('payment', id) }));
  }
  return new Set(retries.map(keyOf).filter((key) => !taken.has(key)));
}
