import { SqlMigration } from '@payflow/database';

/**
 * Every metadata that an account or a transfer ever had. Writes two versions at most of each account that is there, while
 * nothing else writes: ten seconds per million accounts. Of transfers, the first version is told from their verdicts.
 */
export class LedgerMetadataVersions1763700014002 extends SqlMigration {
  readonly sql = `
create table metadata_versions (
  tenant_id uuid not null,
  livemode boolean not null,
  resource text not null check (resource in ('account', 'transfer')),
  id uuid not null,
  -- Of an account, the account's own when it got this metadata; of a transfer, 1 when it was booked, and then +1.
  version bigint not null check (version > 0),
  metadata json not null,
  -- Who asked for it. Null: before this was kept.
  actor text,
  recorded_at timestamptz not null,
  primary key (tenant_id, livemode, resource, id, version)
);

insert into metadata_versions (tenant_id, livemode, resource, id, version, metadata, recorded_at)
select a.tenant_id, a.livemode, 'account', a.id, 1, v.event_data::json -> 'metadata', a.created_at
from accounts a
join verdicts v on v.tenant_id = a.tenant_id and v.livemode = a.livemode and v.kind = 'account' and v.id = a.id;
insert into metadata_versions (tenant_id, livemode, resource, id, version, metadata, recorded_at)
select a.tenant_id, a.livemode, 'account', a.id, a.version, a.metadata, a.last_recorded_at
from accounts a
left join metadata_versions m on m.tenant_id = a.tenant_id and m.livemode = a.livemode and m.resource = 'account' and m.id = a.id
where m.metadata::jsonb is distinct from a.metadata::jsonb and a.version is distinct from m.version;

create trigger metadata_versions_append_only before update or delete on metadata_versions
  for each row execute function refuse_change();
do $$ begin
  execute format('revoke update, delete on metadata_versions from %I', current_database());
end $$;
`;
}
