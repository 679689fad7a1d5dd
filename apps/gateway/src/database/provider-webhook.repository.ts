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

// A copy that comes while the first is being noted waits for it here, and then finds it.
const NOTE = statement(
  'provider-webhooks.note',
  `with payment as (
     select tenant_id, livemode, id from payment_views where tenant_id = $1 and livemode = $2 and id = $3),
   noted as (
     insert into provider_webhooks (connector, webhook_id, tenant_id, livemode, payment_id, event_id)
     select $4, $5, tenant_id, livemode, id, $6 from payment
     on conflict do nothing returning webhook_id)
   select exists (select from payment) as "isOurs", exists (select from noted) as "isNew"`,
);

const PRUNE = statement(
  'provider-webhooks.prune',
  `delete from provider_webhooks
   where ctid = any (array (
     select ctid from provider_webhooks where received_at < statement_timestamp() - $1 * interval '1 day' order by received_at limit $2))`,
);

/** Notes a webhook, once. */
export async function noteWebhook(
  tx: Transaction,
  { connector, webhook, payment, eventId }: WebhookToNote,
): Promise<Noted> {
  const [row] = await tx.rows<{ isOurs: boolean; isNew: boolean }>(NOTE, [
    tenantUuid(payment.tenant),
    payment.livemode,
    uuidOf('payment', payment.id),
    connector,
    webhook,
    uuidOf('event', eventId),
  ]);
  if (!row?.isOurs) return 'not_ours';
  return row.isNew ? 'new' : 'copy';
}

/** Forgets webhooks older than `days`, at most `limit` of them. */
export function pruneWebhooks(db: Database, days: number, limit: number): Promise<number> {
  return db.count(PRUNE, [days, limit]);
}
