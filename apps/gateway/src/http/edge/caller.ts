import type { Scope } from '../../domain/scope.js';

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
  /** Of the API: that which the key is pinned to; a user's is the newest. */
  readonly apiVersion: string;
  /** The address it comes from. */
  readonly address: string;
  /** The trace the request belongs to. */
  readonly traceId: string | undefined;
}
