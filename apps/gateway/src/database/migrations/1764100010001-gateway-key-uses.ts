import { SqlMigration } from '@payflow/database';

/** When each API key was last used, and how often: a new table only, which locks nothing that exists. */
export class GatewayKeyUses1764100010001 extends SqlMigration {
  readonly sql = `
-- Written behind: what a gateway noted and had not written when it died is missing here, and nothing else is. Beside the
-- keys, because they are read at every request, and these rows change every few seconds.
create table api_key_uses (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  last_used_at timestamptz not null,
  request_count bigint not null check (request_count > 0),
  primary key (tenant_id, livemode, id),
  foreign key (tenant_id, livemode, id) references api_keys
) with (fillfactor = 50);
`;
}
