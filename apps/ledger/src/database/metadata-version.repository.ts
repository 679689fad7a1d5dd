import { uuidOf } from '@payflow/contracts';
import { joinJson, keyset, statement, type Database } from '@payflow/database';
import type { MetadataVersion, Owner } from '../domain/book.js';

/** What has metadata with a history. */
export type Resource = MetadataVersion['of'];

/** Inserts versions in the statement of what they go with; its parameters for them begin at `$first`, and `now` is one before. */
export function insertVersions(first: number, now: string): string {
  const [tenant, livemode, resource, id, version, metadata, actor] = Array.from(
    { length: 7 },
    (_, at) => `$${first + at}`,
  );
  return `insert into metadata_versions (tenant_id, livemode, resource, id, version, metadata, actor, recorded_at)
     select *, ${now}::timestamptz from unnest(${tenant}::uuid[], ${livemode}::boolean[], ${resource}::text[], ${id}::uuid[],
       ${version}::bigint[], string_to_array(${metadata}, chr(30))::json[], ${actor}::text[])`;
}

/** The values of {@link insertVersions}. */
export function versionColumns(versions: readonly MetadataVersion[]): unknown[] {
  return [
    versions.map(({ tenant }) => uuidOf('tenant', tenant)),
    versions.map(({ livemode }) => livemode),
    versions.map(({ of }) => of),
    versions.map(({ of, id }) => uuidOf(of, id)),
    versions.map(({ version }) => version),
    joinJson(versions.map(({ metadata }) => JSON.stringify(metadata))),
    versions.map(({ actor }) => actor),
  ];
}

/** One metadata that something had. */
export interface ToldMetadata {
  readonly version: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** Who asked for it; null where the ledger has not kept that. */
  readonly actor: string | null;
  readonly recordedAt: Date;
}

const OF = 'm.tenant_id = $1 and m.livemode = $2 and m.id = $3';
const NEWEST_FIRST = keyset('desc', 'version');
const PAGE = `${NEWEST_FIRST.orderBy} limit $5`;

const OF_ACCOUNT = statement(
  'reads.account-metadata',
  `select version, metadata, actor, recorded_at from metadata_versions m
   where ${OF} and resource = 'account' and ${NEWEST_FIRST.behind(['$4'])} ${PAGE}`,
);

// A transfer that was booked without metadata, or before it was kept, has no first version here: the verdict tells it, where
// the transfer was asked for alone. Of a group, the group has it.
const OF_TRANSFER = statement(
  'reads.transfer-metadata',
  `select * from (
     (select version, metadata, actor, recorded_at from metadata_versions m
      where ${OF} and resource = 'transfer' and ${NEWEST_FIRST.behind(['$4'])} ${PAGE})
     union all
     select 1, coalesce(v.event_data::json -> 'metadata', '{}'), null, t.recorded_at from transfers t
     left join verdicts v on v.tenant_id = t.tenant_id and v.livemode = t.livemode and v.kind = 'group' and v.id = t.group_id
       and t.group_id = t.id and json_array_length(v.event_data::json -> 'legs') = 1
     where t.tenant_id = $1 and t.livemode = $2 and t.id = $3 and $4 > 1 and not exists (
       select from metadata_versions m where ${OF} and resource = 'transfer' and version = 1)) as told
   ${PAGE}`,
);

/** Before every version there can be. */
export const NEWEST = Number.MAX_SAFE_INTEGER;

/** The versions before one, newest first. Nothing where there is no such account or transfer. */
export async function versionsBefore(
  db: Database,
  { owner, of, id }: { readonly owner: Owner; readonly of: Resource; readonly id: string },
  { before, limit }: { readonly before: number; readonly limit: number },
): Promise<ToldMetadata[]> {
  const key = [uuidOf('tenant', owner.tenant), owner.livemode, uuidOf(of, id)];
  const rows = await db.rows<{
    version: bigint;
    metadata: Record<string, string>;
    actor: string | null;
    recorded_at: Date;
  }>(of === 'account' ? OF_ACCOUNT : OF_TRANSFER, [...key, before, limit]);
  return rows.map(({ version, metadata, actor, recorded_at }) => ({
    version: Number(version),
    metadata,
    actor,
    recordedAt: recorded_at,
  }));
}
