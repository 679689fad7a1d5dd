import { SqlMigration } from '@payflow/database';

/**
 * The log of what becomes of attempts, as payments have theirs. A new table, and one of a single row: locks nothing. Where there were
 * attempts before, those are held against the log that began when every process is of the version that writes it.
 */
export class AttemptTransitions1764700000070 extends SqlMigration {
  readonly sql = `
create table attempt_transitions (
  tenant_id uuid not null,
  livemode boolean not null,
  attempt_id uuid not null,
  version bigint not null,
  from_status text not null,
  to_status text not null,
  actor text not null,
  reason text not null,
  trace_id text,
  at timestamptz not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, attempt_id, version)
);

create table attempt_log_began (at timestamptz primary key);
insert into attempt_log_began select clock_timestamp() + interval '1 day' where exists (select from attempts);
`;
}
