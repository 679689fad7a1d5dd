import { SqlMigration } from '@payflow/database';

/** How far test spaces are ahead in time, for who has something that expires. A new table: locks nothing that exists. */
export class TestClocks1764400800051 extends SqlMigration {
  readonly sql = `
-- A row for each space that has travelled. Nothing of what is live looks at it.
create table test_clocks (
  tenant_id uuid primary key,
  ahead_ms bigint not null check (ahead_ms between 0 and 315532800000),
  version bigint not null check (version > 0),
  -- The versions that have come, in whichever order they did: a copy is known as one.
  heard int8multirange not null,
  moved_at timestamptz not null default clock_timestamp()
);
`;
}
