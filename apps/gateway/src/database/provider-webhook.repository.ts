import { uuidOf } from '@payflow/contracts';
import { statement, type Database, type Transaction } from '@payflow/database';
import { tenantUuid, type ResourceKey } from './keys.js';

/** A webhook that is to be noted, and the event that tells of it. */
export interface WebhookToNote {
  readonly connector: string;
  /** The provider's number of it. */
  readonly webhook: string;
  readonly payment: ResourceKey;
  readonly eventId: string;
}

/** `copy`: it was noted before. `not_ours`: there is no such payment, and nothing was noted. */
export type Noted = 'new' | 'copy' | 'not_ours';

// A copy that comes while the first is being noted waits for it here, and then finds it: all in one order, so that two groups
// never wait for each other.
const NOTE = statement(
  'provider-webhooks.note',
  `with told as materialized (
     select t.*, exists (select from payment_views v where v.tenant_id = t.tenant_id and v.livemode = t.livemode and v.id = t.payment_id) as is_ours
     from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::text[], $6::uuid[])
       as t (tenant_id, livemode, payment_id, connector, webhook_id, event_id)),
   noted as (
     insert into provider_webhooks (connector, webhook_id, tenant_id, livemode, payment_id, event_id)
     select connector, webhook_id, tenant_id, livemode, payment_id, event_id from told where is_ours
     order by connector, webhook_id
     on conflict do nothing returning event_id)
   select event_id as event, is_ours as "isOurs", exists (select from noted n where n.event_id = told.event_id) as "isNew" from told`,
);

const PRUNE = statement(
  'provider-webhooks.prune',
  `delete from provider_webhooks
   where ctid = any (array (
     select ctid from provider_webhooks where received_at < statement_timestamp() - $1 * interval '1 day' order by received_at limit $2))`,
);

/** Notes webhooks, each once, and says of each what became of it, in order. */
export async function noteWebhooks(tx: Transaction, webhooks: readonly WebhookToNote[]): Promise<Noted[]> {
  const rows = await tx.rows<{ event: string; isOurs: boolean; isNew: boolean }>(NOTE, [
    webhooks.map(({ payment }) => tenantUuid(payment.tenant)),
    webhooks.map(({ payment }) => payment.livemode),
    webhooks.map(({ payment }) => uuidOf('payment', payment.id)),
    webhooks.map(({ connector }) => connector),
    webhooks.map(({ webhook }) => webhook),
    webhooks.map(({ eventId }) => uuidOf('event', eventId)),
  ]);
  const outcomes = new Map(
    rows.map(({ event, isOurs, isNew }) => [event, isNew ? 'new' : isOurs ? 'copy' : 'not_ours']),
  );
  return webhooks.map(({ eventId }) => outcomes.get(uuidOf('event', eventId)) as Noted);
}

/** Forgets webhooks older than `days`, at most `limit` of them. */
export function pruneWebhooks(db: Database, days: number, limit: number): Promise<number> {
  return db.count(PRUNE, [days, limit]);
}
