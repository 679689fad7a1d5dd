import { SqlMigration } from '@payflow/database';

/**
 * Where the test data of organisations stands, and what time it is there: a column without a value, which is added at once, and
 * new tables. Locks `tenants` for a moment, and as the walls do what they stand on.
 */
export class GatewayTestSpaces1764400800001 extends SqlMigration {
  readonly sql = `
-- The tenant that test data stands under; null: the organisation itself, as long as it was never reset.
alter table tenants add column test_space uuid;

-- Spaces that a reset has left behind. Nobody reads them any more; the sweeper removes what the views have of them.
create table retired_test_spaces (
  space_id uuid primary key,
  tenant_id uuid not null references tenants,
  retired_at timestamptz not null default clock_timestamp(),
  swept_at timestamptz
);

-- A row for each space that has travelled, and which of its moves payments and the ledger have heard of.
create table test_clocks (
  tenant_id uuid primary key,
  ahead_ms bigint not null check (ahead_ms between 0 and 315532800000),
  version bigint not null check (version > 0),
  payments_heard int8multirange not null default '{}',
  ledger_heard int8multirange not null default '{}'
);
-- A wall for the new table, too.
select raise_walls();
`;
}
