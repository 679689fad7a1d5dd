import { SqlMigration } from '@payflow/database';

/** Which webhooks of providers were taken, so that a copy is known as one: a new table only, which locks nothing that exists. */
export class GatewayProviderWebhooks1764200700001 extends SqlMigration {
  readonly sql = `
-- Not partitioned by time: a copy may come in another month than the first, and must meet it in one unique index.
create table provider_webhooks (
  connector text not null,
  -- The provider's number of it.
  webhook_id text not null,
  tenant_id uuid not null,
  livemode boolean not null,
  payment_id uuid not null,
  -- The message that tells of it.
  event_id uuid not null,
  received_at timestamptz not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (connector, webhook_id)
);
create index provider_webhooks_by_age on provider_webhooks (received_at);
`;
}
