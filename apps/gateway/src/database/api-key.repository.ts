import { hash, randomBytes } from 'node:crypto';
import { fromUuid, newUuid, toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { IsNull } from 'typeorm';
import { API_VERSION } from '../domain/api-version.js';
import type { Scope } from '../domain/scope.js';
import { ApiKeyEntity } from './api-key.entity.js';
import { TenantEntity } from './tenant.entity.js';

/** Who calls, as a valid key says. */
export interface ApiKey {
  /** Id of the key: the actor of everything it does. */
  readonly id: string;
  readonly tenant: string;
  readonly livemode: boolean;
  readonly scopes: readonly Scope[];
  /** CIDR blocks that it may be used from; from anywhere where there are none. */
  readonly allowedAddresses: readonly string[];
  /** Of the API: the one that it is answered in where a request asks for none. */
  readonly apiVersion: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number | null;
}

/** 256 random bits: no guess and no rainbow table can reach them, so the stored hash may be a fast one. */
const KEY_BYTES = 32;

/** A key for the mode: this is the only time it can be seen. */
export function newApiKey(livemode: boolean): string {
  return `sk_${livemode ? 'live' : 'test'}_${randomBytes(KEY_BYTES).toString('base64url')}`;
}

export function hashApiKey(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}

/** The key with this hash, unless it is unknown, revoked or expired. */
export async function findApiKey(db: Database, keyHash: Buffer): Promise<ApiKey | undefined> {
  const row = await db.source.getRepository(ApiKeyEntity).findOneBy({ keyHash, revokedAt: IsNull() });
  if (!row) return undefined;
  const { id, tenantId, livemode, scopes, allowedAddresses, apiVersion } = row;
  const expiresAt = row.expiresAt?.getTime() ?? null;
  if (expiresAt !== null && expiresAt <= Date.now()) return undefined;
  const tenant = fromUuid('tenant', tenantId);
  const terms = { scopes: scopes as Scope[], allowedAddresses, apiVersion, expiresAt };
  return { id: fromUuid('apiKey', id), tenant, livemode, ...terms };
}

/** Makes a tenant, or leaves it as it is where the id exists. Returns its public id. */
export async function createTenant(db: Database, name: string, id = newUuid()): Promise<string> {
  await db.source.getRepository(TenantEntity).createQueryBuilder().insert().values({ id, name }).orIgnore().execute();
  return fromUuid('tenant', id);
}

/** Makes a key and returns it: this is the only time it can be seen. `given` lets a demonstration keep its key. */
export async function createApiKey(
  db: Database,
  {
    tenant,
    livemode,
    name,
    scopes,
  }: { readonly tenant: string; readonly livemode: boolean; readonly name: string; readonly scopes: readonly Scope[] },
  given?: string,
): Promise<string> {
  const key = given ?? newApiKey(livemode);
  const tenantId = toUuid('tenant', tenant);
  if (!tenantId) throw new TypeError('not a tenant id');
  const row = {
    tenantId,
    livemode,
    id: newUuid(),
    keyHash: hashApiKey(key),
    name,
    scopes: [...scopes],
    allowedAddresses: [],
    apiVersion: API_VERSION,
    expiresAt: null,
    revokedAt: null,
  };
  await db.source.getRepository(ApiKeyEntity).createQueryBuilder().insert().values(row).orIgnore().execute();
  return key;
}
