import type { PagePosition } from '../database/list-statement.js';
import type { Scope } from './scope.js';

export const API_KEY_STATUSES = ['active', 'expired', 'revoked'] as const;

/** A key of the API, as those see it who look after keys. */
export interface ManagedKey extends PagePosition {
  readonly livemode: boolean;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** CIDR blocks; from anywhere where there are none. */
  readonly allowedAddresses: readonly string[];
  /** Of the API: the one that it is answered in where a request asks for none. */
  readonly apiVersion: string;
  readonly status: (typeof API_KEY_STATUSES)[number];
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
  /** The key that this one came after, by rotation. */
  readonly replaces: string | null;
  readonly createdBy: string | null;
  readonly lastUsedAt: string | null;
  readonly requestCount: number;
  readonly version: number;
}

/** A key as the API shows it: never the secret, which is told once by whoever makes it. */
export function apiKeyResource(key: ManagedKey) {
  return {
    id: key.id,
    object: 'api_key',
    name: key.name,
    livemode: key.livemode,
    scopes: key.scopes,
    allowed_addresses: key.allowedAddresses,
    api_version: key.apiVersion,
    status: key.status,
    expires_at: key.expiresAt,
    revoked_at: key.revokedAt,
    replaces: key.replaces,
    created_by: key.createdBy,
    last_used_at: key.lastUsedAt,
    request_count: key.requestCount,
    version: key.version,
    created_at: key.createdAt,
  };
}
