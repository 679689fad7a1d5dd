import { SqlMigration } from '@payflow/database';

/** Limits, risk rules and reviews in the read model. New tables, and a column without a value on `payment_views`: nothing is rewritten. */
export class GatewayLimits1764200600002 extends SqlMigration {
  readonly sql = `
-- The version in force of each, as its event told it.
create table limit_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  version bigint not null check (version > 0),
  label text not null,
  content json not null,
  created_at timestamptz not null,
  primary key (tenant_id, livemode, id)
) with (fillfactor = 70);

create table risk_rule_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  version bigint not null check (version > 0),
  label text not null,
  content json not null,
  created_at timestamptz not null,
  primary key (tenant_id, livemode, id)
) with (fillfactor = 70);

create table review_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  version bigint not null check (version > 0),
  label text not null,
  content json not null,
  created_at timestamptz not null,
  primary key (tenant_id, livemode, id)
) with (fillfactor = 70);
create index review_views_by_time on review_views (tenant_id, livemode, created_at, id);
create index review_views_by_status on review_views (tenant_id, livemode, label, created_at, id);

alter table payment_views add column failure_reason text;
`;
}
