import { SqlMigration } from '@payflow/database';

/** What is shown of disputes: a new table only, which locks nothing that exists. */
export class GatewayDisputes1764200700003 extends SqlMigration {
  readonly sql = `
create table dispute_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid not null,
  connector text not null,
  provider_reference text not null,
  status text not null check (status in ('needs_response', 'under_review', 'won', 'lost')),
  leg text not null,
  leg_reason text,
  amount_minor bigint not null check (amount_minor > 0),
  amount_disputed_minor bigint not null check (amount_disputed_minor >= 0),
  asset text not null,
  reason text,
  source_account_id uuid not null,
  destination_account_id uuid not null,
  evidence_due_by timestamptz,
  evidence_submitted_at timestamptz,
  transfer_id uuid,
  return_transfer_id uuid,
  trace_id text,
  version bigint not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, livemode, id)
) with (fillfactor = 80);
create index dispute_views_by_time on dispute_views (tenant_id, livemode, created_at desc, id desc);
create index dispute_views_by_payment on dispute_views (tenant_id, livemode, payment_id, created_at desc, id desc);
-- Few of all need an answer, and those are looked for.
create index dispute_views_by_status on dispute_views (tenant_id, livemode, status, created_at desc, id desc);
`;
}
