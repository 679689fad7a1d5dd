import { statement, type Database } from '@payflow/database';
import { keyColumns, type ResourceKey } from './keys.js';

/** Requests that came with a key, and when the last of them did, ms since 1970. */
export interface ApiKeyUse {
  readonly key: ResourceKey;
  readonly lastUsedAt: number;
  readonly requests: number;
}

// Sorted, because every process of the gateway writes these rows. A key that is gone meanwhile must not hold up the others.
const ADD = statement(
  'api-key-uses.add',
  `insert into api_key_uses as u (tenant_id, livemode, id, last_used_at, request_count)
   select tenant_id, livemode, id, to_timestamp(last_used_ms / 1000.0), requests
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::double precision[], $5::bigint[])
     as n (tenant_id, livemode, id, last_used_ms, requests) join api_keys using (tenant_id, livemode, id)
   order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set request_count = u.request_count + excluded.request_count,
     last_used_at = greatest(u.last_used_at, excluded.last_used_at)`,
);

/** Adds what was noted since the last time. */
export async function addKeyUses(db: Database, uses: readonly ApiKeyUse[]): Promise<void> {
  await db.count(ADD, [
    ...keyColumns(
      'apiKey',
      uses.map(({ key }) => key),
    ),
    uses.map(({ lastUsedAt }) => lastUsedAt),
    uses.map(({ requests }) => requests),
  ]);
}
