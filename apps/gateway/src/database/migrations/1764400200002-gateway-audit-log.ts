import { SqlMigration } from '@payflow/database';

/**
 * Who changed what: a new table only, which locks nothing that exists. By months, each kept for two years and the month it began
 * in, and then dropped whole: nobody may change or delete a row, the service included.
 */
export class GatewayAuditLog1764400200002 extends SqlMigration {
  readonly sql = `
create table audit_log (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  created_at timestamptz not null,
  actor text not null,
  actor_kind text not null check (actor_kind in ('key', 'user')),
  operation text not null,
  resource text,
  before json not null,
  after json not null,
  address text not null,
  request_id text not null,
  trace_id text,
  primary key (tenant_id, livemode, id, created_at)
) partition by range (created_at);
create index audit_log_by_time on audit_log (tenant_id, livemode, created_at desc, id desc);
create index audit_log_by_actor on audit_log (tenant_id, livemode, actor, created_at desc, id desc);
create index audit_log_by_operation on audit_log (tenant_id, livemode, operation, created_at desc, id desc);
create index audit_log_by_resource on audit_log (tenant_id, livemode, resource, created_at desc, id desc);
insert into maintained_partitions (table_name, step, kept) values ('audit_log', '1 month', '25 months');
`;
}
