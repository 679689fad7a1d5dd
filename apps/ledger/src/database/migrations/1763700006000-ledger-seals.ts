import { SqlMigration } from '@payflow/database';

/** The log of seals over the chains. New tables only: locks nothing that exists. */
export class LedgerSeals1763700006000 extends SqlMigration {
  readonly sql = `
-- Keys that heads were signed with: a head outlives its key.
create table signing_keys (
  id text primary key check (id ~ '^[0-9a-f]{16}$'),
  public_key text not null,
  first_used_at timestamptz not null default clock_timestamp()
);

-- Each seal sums up the transfers of the transactions [from_xact, to_xact), all of which had ended when it was made.
create table seals (
  seal bigint primary key check (seal > 0),
  from_xact xid8 not null,
  to_xact xid8 not null,
  event_id uuid not null,
  head json not null,
  root bytea not null check (octet_length(root) = 32),
  -- Roots of the log's full subtrees after this seal, hexadecimal.
  frontier text[] not null,
  key_id text not null references signing_keys,
  constraint seals_span check (from_xact < to_xact)
);
create unique index seals_by_start on seals (from_xact);

create trigger seals_append_only before update or delete on seals for each row execute function refuse_change();
create trigger signing_keys_append_only before update or delete on signing_keys for each row execute function refuse_change();
`;
}
