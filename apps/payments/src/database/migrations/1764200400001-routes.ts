import { SqlMigration } from '@payflow/database';

/**
 * Routing as data, and the index by which the success of connectors is counted. Makes a table, and an index on one that nobody
 * writes to yet: locks nothing that anybody waits for.
 */
export class Routes1764200400001 extends SqlMigration {
  readonly sql = `
create table routes (
  id uuid primary key,
  -- Null: of every organisation.
  tenant_id uuid,
  livemode boolean not null,
  name text not null check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  priority integer not null check (priority between 0 and 10000),
  match json not null,
  targets json not null,
  prefer text not null check (prefer in ('weight', 'cost', 'success_rate')),
  window_min integer not null check (window_min between 1 and 60),
  exploration_percent integer not null check (exploration_percent between 0 and 50),
  actor text not null,
  updated_at timestamptz not null default clock_timestamp(),
  unique nulls not distinct (tenant_id, livemode, name)
);

create index attempts_routed on attempts (created_at) where action in ('authorize', 'sale');
`;
}
