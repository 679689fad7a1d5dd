import type { Scope } from '../../domain/scope.js';

/** What a key is held to besides its scopes. */
export interface KeyBounds {
  /** Blocks that it may be used from; from anywhere where there are none. */
  readonly allowedAddresses: readonly string[];
  /** Milliseconds since 1970; null: without end. */
  readonly expiresAt: number | null;
}

/** Who makes a request, by the credential it came with. */
export interface Caller {
  /** Whose books: the organisation, or in test mode the space that its test data stands in. */
  readonly tenant: string;
  readonly livemode: boolean;
  /** In a test space that has travelled: how far its clock is ahead of ours. */
  readonly ahead_ms?: number;
  /** Whose credential: where users, keys and settings belong. */
  readonly organisation: string;
  /** Id of the key or of the user. */
  readonly actor: string;
  readonly kind: 'key' | 'user';
  /** Of a user: the session that the token is of. */
  readonly session?: string;
  readonly scopes: readonly Scope[];
  /** Of a key; a user may do what he may from anywhere. */
  readonly bounds?: KeyBounds;
  /** Of the API: that which the key is pinned to; a user's is the newest. */
  readonly apiVersion: string;
  /** The address it comes from. */
  readonly address: string;
  /** The trace the request belongs to. */
  readonly traceId: string | undefined;
}
