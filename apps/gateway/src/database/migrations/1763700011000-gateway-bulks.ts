import { SqlMigration } from '@payflow/database';

/**
 * Bulks of transfers. The new table locks nothing that exists, the new columns are empty and rewrite nothing. The widened
 * check reads `idempotency_records` once while nothing else uses it: a second per ten million rows.
 */
export class GatewayBulks1763700011000 extends SqlMigration {
  readonly sql = `
alter table idempotency_records drop constraint idempotency_records_resource_kind_check;
alter table idempotency_records add constraint idempotency_records_resource_kind_check
  check (resource_kind in ('payment', 'account', 'transfer', 'group', 'hold', 'change', 'bulk'));

-- One row per bulk, however many items: its results are put together from the transfers whenever they are asked for, so
-- nothing is kept twice. Only the last two columns ever change,
-- and no index knows them (HOT).
create table transfer_bulk_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  mode text not null check (mode in ('independent', 'atomic', 'stop_on_first')),
  -- A place per item in the order asked: its transfer, or null where none was ever made.
  transfer_ids uuid[] not null,
  -- What was wrong with items that were refused at the door, as {index, code, ...} in order.
  problems json not null,
  idempotency_key text not null,
  -- How many commands carry it.
  commands integer not null check (commands >= 0),
  created_at timestamptz not null,
  -- How many of the commands have not been answered.
  pending integer not null,
  -- The item that ended a bulk which stops on the first refusal: those behind it were not tried.
  stopped_at integer check (stopped_at >= 0),
  primary key (tenant_id, livemode, id),
  constraint transfer_bulk_views_pending_of_commands check (pending between 0 and commands)
) with (fillfactor = 70);

-- Set on the writes of a bulk: their answers count for it, and are not stored one by one.
alter table pending_writes add column bulk_id uuid;

-- SHA-256 of what was asked for, where the client chose the id: what makes another request for it the same one.
alter table transfer_views add column content_hash bytea check (octet_length(content_hash) = 32);
`;
}
