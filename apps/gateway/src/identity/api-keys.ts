import { newId } from '@payflow/contracts';
import type { Database, Transaction } from '@payflow/database';
import { Problem } from '@payflow/service';
import { TAGS } from '../cache/catalogue.js';
import { hashApiKey, newApiKey } from '../database/api-key.repository.js';
import type { ResourceKey } from '../database/keys.js';
import {
  expireKey,
  findKey,
  insertKey,
  lockKeyRow,
  ownEndOf,
  ownKey,
  revokeKey,
  updateKey,
  type HashedKey,
} from '../database/managed-key.repository.js';
import { apiKeyResource, type ManagedKey } from '../domain/api-key.js';
import { covers } from '../domain/role.js';
import type { Scope } from '../domain/scope.js';
import { isWithin } from '../http/edge/address-list.js';
import type { Caller } from '../http/edge/caller.js';
import { etagOf } from '../http/edge/headers.js';
import type { OwnReply, OwnWork } from './own-writes.js';

const KEYS_PATH = '/api/v1/keys';

/** What a key is made of. */
export type KeyToMake = Pick<ManagedKey, 'name' | 'scopes' | 'allowedAddresses' | 'apiVersion' | 'expiresAt'>;
/** What of a key can be changed. */
export type KeyChange = Partial<Pick<ManagedKey, 'name' | 'allowedAddresses' | 'apiVersion'>>;

/** What those do to keys who look after them: of their own mode, and none that can do more than they, but to revoke it. */
export class ManagedKeys {
  constructor(private readonly db: Database) {}

  create(key: KeyToMake, caller: Caller): OwnWork {
    refuseMore(caller, key);
    return async (tx) => made(tx, { ...key, replaces: null }, caller);
  }

  update(id: string, ifVersion: number | null, change: KeyChange, caller: Caller): OwnWork {
    return async (tx) => {
      const { key, hash } = await locked(tx, id, ifVersion, caller);
      // From where a key lets in is as much as what it may: who has not its scopes must not let others use them.
      if (change.allowedAddresses) refuseMore(caller, { ...key, ...change });
      await updateKey(tx, of(caller, id), { ...key, ...change });
      return changed(tx, of(caller, id), { key, hash });
    };
  }

  /** Another key in the place of this one, which goes on for a while: long enough to be replaced wherever it is used. */
  rotate(id: string, ifVersion: number | null, overlap_s: number, caller: Caller): OwnWork {
    return async (tx) => {
      const { key, hash } = await locked(tx, id, ifVersion, caller);
      if (key.status !== 'active') throw new Problem('api_key_not_active');
      refuseScopes(caller, key.scopes);
      // Whoever lost the answer to a rotation rotates again: the end that the first gave the old key is not the next one's.
      const expiresAt = key.expiresAt === null ? null : await ownEndOf(tx, of(caller, id));
      // Of itself it makes what it was made as, and may do so until its overlap ends: it has lost the answer.
      if (id !== caller.actor) refuseLooser(caller, { ...key, expiresAt });
      await expireKey(tx, of(caller, id), overlap_s);
      const reply = await made(tx, { ...key, expiresAt, replaces: id }, caller);
      return { ...reply, before: apiKeyResource(key), forgets: [TAGS.apiKey(hash)] };
    };
  }

  /** One that was revoked before stays as it is. */
  revoke(id: string, ifVersion: number | null, caller: Caller): OwnWork {
    return async (tx) => {
      const { key, hash } = await locked(tx, id, ifVersion, caller);
      await revokeKey(tx, of(caller, id));
      return changed(tx, of(caller, id), { key, hash });
    };
  }

  /** What the caches keep of a key. */
  async tagsOf(id: string, caller: Caller): Promise<readonly string[]> {
    const found = await findKey(this.db, of(caller, id));
    return found ? [TAGS.apiKey(found.hash)] : [];
  }
}

async function changed(tx: Transaction, place: ResourceKey, { key, hash }: HashedKey): Promise<OwnReply> {
  const { key: now } = await ownKey(tx, place);
  const headers = { etag: etagOf(now.version) };
  const seen = { before: apiKeyResource(key), body: apiKeyResource(now) };
  return { status: 200, headers, ...seen, forgets: [TAGS.apiKey(hash)] };
}

/** Where a key of the caller's stands: with the organisation, in the mode of what asks for it. */
export function of({ organisation, livemode }: Caller, id: string): ResourceKey {
  return { tenant: organisation, livemode, id };
}

type KeyTerms = Pick<ManagedKey, 'scopes' | 'allowedAddresses' | 'expiresAt'>;

/** No key can do more than who makes it, nor from elsewhere, nor for longer: who is to lose what a key may would have it for good. */
function refuseMore(caller: Caller, key: KeyTerms): void {
  refuseScopes(caller, key.scopes);
  refuseLooser(caller, key);
}

function refuseScopes(caller: Caller, scopes: readonly Scope[]): void {
  if (!covers(caller.scopes, scopes)) throw new Problem('scopes_exceeded');
}

function refuseLooser({ bounds }: Caller, { allowedAddresses, expiresAt }: Omit<KeyTerms, 'scopes'>): void {
  if (!bounds) return;
  const { allowedAddresses: own, expiresAt: end } = bounds;
  if (end !== null && (expiresAt === null || Date.parse(expiresAt) > end))
    throw exceeded(`The key of this request ends at ${new Date(end).toISOString()}: one that it gives ends by then.`);
  if (own.length === 0) return;
  if (allowedAddresses.length === 0 || !allowedAddresses.every((block) => isWithin(block, own)))
    throw exceeded(
      'The key of this request is bound to addresses: each block of one that it gives lies within one of them.',
    );
}

function exceeded(detail: string): Problem {
  return new Problem('scopes_exceeded', { detail });
}

/** `ifVersion`: the one that it must be of, or null where any will do. */
async function locked(tx: Transaction, id: string, ifVersion: number | null, caller: Caller): Promise<HashedKey> {
  const found = await lockKeyRow(tx, of(caller, id));
  if (!found) throw new Problem('not_found');
  if (ifVersion !== null && ifVersion !== found.key.version) throw new Problem('version_differs');
  return found;
}

async function made(
  tx: Transaction,
  { name, scopes, allowedAddresses, apiVersion, expiresAt, replaces }: KeyToMake & Pick<ManagedKey, 'replaces'>,
  caller: Caller,
): Promise<OwnReply> {
  const secret = newApiKey(caller.livemode);
  const place = of(caller, newId('apiKey'));
  const terms = { name, scopes, allowedAddresses, apiVersion, expiresAt, replaces, createdBy: caller.actor };
  await insertKey(tx, { ...place, ...terms, hash: hashApiKey(secret) });
  const { key } = await ownKey(tx, place);
  const body = apiKeyResource(key);
  const headers = { etag: etagOf(key.version), location: `${KEYS_PATH}/${key.id}` };
  return { status: 201, headers, body: { ...body, secret }, kept: { ...body, secret: null } };
}
