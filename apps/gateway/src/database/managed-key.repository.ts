import { fromUuid, uuidOf } from '@payflow/contracts';
import { statement, type Database, type Transaction } from '@payflow/database';
import type { ManagedKey } from '../domain/api-key.js';
import type { Scope } from '../domain/scope.js';
import { keyColumns, seenBy, tenantUuid, type Owner, type ResourceKey } from './keys.js';
import type { Page } from './list-statement.js';

/** Which keys a list shows. */
export interface KeyFilter {
  readonly status?: string;
}

/** A new key. Its hash alone comes here. */
export interface NewKey extends ResourceKey {
  readonly hash: Buffer;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly allowedAddresses: readonly string[];
  readonly apiVersion: string;
  readonly expiresAt: string | null;
  readonly replaces: string | null;
  readonly createdBy: string;
}

const STATUS = `case when k.revoked_at is not null then 'revoked' when k.expires_at <= clock_timestamp() then 'expired' else 'active' end`;

const SELECT = `select k.id, k.livemode, k.name, k.scopes, k.allowed_addresses, k.api_version, ${STATUS} as status, k.expires_at, k.revoked_at, k.replaces_id,
    k.created_by, k.version::integer as version, k.created_at, u.last_used_at, coalesce(u.request_count, 0) as request_count,
    encode(k.key_hash, 'hex') as hash
  from api_keys k left join api_key_uses u using (tenant_id, livemode, id)`;

const INSERT = statement(
  'api-keys.insert',
  `insert into api_keys (tenant_id, livemode, id, key_hash, name, scopes, allowed_addresses, expires_at, replaces_id, created_by, api_version)
   values ($1, $2, $3, $4, $5, $6::text[], $7::text[], $8, $9, $10, $11)`,
);

const FIND = statement('api-keys.find', `${SELECT} where tenant_id = $1 and livemode = $2 and id = $3`);

const LOCK = statement('api-keys.lock', `${SELECT} where tenant_id = $1 and livemode = $2 and id = $3 for update of k`);

// Ids are in the order of time.
const LIST = statement(
  'api-keys.list',
  `${SELECT} where tenant_id = $1 and livemode = $2 and ($3::uuid is null or k.id < $3) and ($4::text is null or ${STATUS} = $4)
   order by k.id desc limit $5`,
);

const UPDATE = statement(
  'api-keys.update',
  `update api_keys set name = $4, allowed_addresses = $5::text[], api_version = $6, version = version + 1
   where tenant_id = $1 and livemode = $2 and id = $3`,
);

// Sooner than it would anyway, or not at all.
const EXPIRE = statement(
  'api-keys.expire',
  `update api_keys set expires_at = least(expires_at, clock_timestamp() + $4 * interval '1 second'), version = version + 1
   where tenant_id = $1 and livemode = $2 and id = $3`,
);

// A key that was rotated has an end which is no end of its own. What took its place has that, unless it was rotated as well.
const OWN_END = statement(
  'api-keys.own-end',
  `with recursive line as (
     select id, expires_at from api_keys where tenant_id = $1 and livemode = $2 and id = $3
     union all
     select k.id, k.expires_at from line join api_keys k on k.tenant_id = $1 and k.livemode = $2 and k.replaces_id = line.id)
   select expires_at from line where not exists (
     select from api_keys k where k.tenant_id = $1 and k.livemode = $2 and k.replaces_id = line.id)
   order by expires_at desc nulls first limit 1`,
);

const REVOKE = statement(
  'api-keys.revoke',
  `update api_keys set revoked_at = clock_timestamp(), version = version + 1
   where tenant_id = $1 and livemode = $2 and id = $3 and revoked_at is null`,
);

interface KeyRow {
  id: string;
  livemode: boolean;
  name: string;
  scopes: Scope[];
  allowed_addresses: string[];
  api_version: string;
  status: ManagedKey['status'];
  expires_at: Date | null;
  revoked_at: Date | null;
  replaces_id: string | null;
  created_by: string | null;
  version: number;
  created_at: Date;
  last_used_at: Date | null;
  request_count: bigint;
  hash: string;
}

/** A key with its hash, in hexadecimal digits: what the cache knows it by. */
export interface HashedKey {
  readonly key: ManagedKey;
  readonly hash: string;
}

export async function insertKey(tx: Transaction, key: NewKey): Promise<void> {
  const replaces = key.replaces === null ? null : uuidOf('apiKey', key.replaces);
  await tx.count(INSERT, [
    ...idOf(key),
    ...[key.hash, key.name, key.scopes, key.allowedAddresses, key.expiresAt, replaces, key.createdBy],
    key.apiVersion,
  ]);
}

export async function findKey(db: Database, key: ResourceKey): Promise<HashedKey | undefined> {
  return hashed(await seenBy(db, key).rows<KeyRow>(FIND, idOf(key)));
}

/** As {@link findKey}, of a key that this transaction has made or changed. */
export async function ownKey(tx: Transaction, key: ResourceKey): Promise<HashedKey> {
  return hashed(await tx.rows<KeyRow>(FIND, idOf(key))) as HashedKey;
}

export async function lockKeyRow(tx: Transaction, key: ResourceKey): Promise<HashedKey | undefined> {
  return hashed(await tx.rows<KeyRow>(LOCK, idOf(key)));
}

/** Newest first. */
export async function listKeys(
  db: Database,
  { tenant, livemode }: Owner,
  { filter, after, limit }: Page<KeyFilter>,
): Promise<ManagedKey[]> {
  const place = after ? uuidOf('apiKey', after.id) : null;
  const values = [tenantUuid(tenant), livemode, place, filter.status ?? null, limit];
  const rows = await seenBy(db, { tenant }).rows<KeyRow>(LIST, values);
  return rows.map(toKey);
}

export async function updateKey(
  tx: Transaction,
  key: ResourceKey,
  { name, allowedAddresses, apiVersion }: Pick<ManagedKey, 'name' | 'allowedAddresses' | 'apiVersion'>,
): Promise<void> {
  await tx.count(UPDATE, [...idOf(key), name, allowedAddresses, apiVersion]);
}

/** Lets a key end so many seconds from now, unless it does so before. */
export async function expireKey(tx: Transaction, key: ResourceKey, seconds: number): Promise<void> {
  await tx.count(EXPIRE, [...idOf(key), seconds]);
}

/** When a key ends that nothing has taken the place of; of one that was rotated, when it would have. */
export async function ownEndOf(tx: Transaction, key: ResourceKey): Promise<string | null> {
  const [row] = await tx.rows<Pick<KeyRow, 'expires_at'>>(OWN_END, idOf(key));
  return row?.expires_at?.toISOString() ?? null;
}

/** Revokes a key. One that was revoked stays so since then. */
export async function revokeKey(tx: Transaction, key: ResourceKey): Promise<void> {
  await tx.count(REVOKE, idOf(key));
}

function hashed([row]: readonly KeyRow[]): HashedKey | undefined {
  return row && { key: toKey(row), hash: row.hash };
}

function idOf(key: ResourceKey): unknown[] {
  return keyColumns('apiKey', [key]).flat();
}

function toKey(row: KeyRow): ManagedKey {
  return {
    id: fromUuid('apiKey', row.id),
    livemode: row.livemode,
    name: row.name,
    scopes: row.scopes,
    allowedAddresses: row.allowed_addresses,
    apiVersion: row.api_version,
    status: row.status,
    expiresAt: row.expires_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
    replaces: row.replaces_id && fromUuid('apiKey', row.replaces_id),
    createdBy: row.created_by,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    requestCount: Number(row.request_count),
    version: row.version,
    createdAt: row.created_at.toISOString(),
  };
}
