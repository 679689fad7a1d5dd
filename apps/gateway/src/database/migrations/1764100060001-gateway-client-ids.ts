import { SqlMigration } from '@payflow/database';

/**
 * What was asked for under an id that the client chose, so that the same under another key gets the first answer. The columns
 * are of the catalogue alone; no row is rewritten, and the index holds none of those that are there.
 */
export class GatewayClientIds1764100060001 extends SqlMigration {
  readonly sql = `
alter table idempotency_records add column content_hash bytea;
alter table idempotency_records add column copy_of text;
alter table idempotency_records add constraint idempotency_records_content_hash_check
  check (content_hash is null or (octet_length(content_hash) = 32 and copy_of is null)) not valid;
create index idempotency_records_by_client_id on idempotency_records (tenant_id, livemode, resource_id)
  where content_hash is not null;
`;
}
