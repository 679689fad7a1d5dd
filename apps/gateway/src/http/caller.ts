import type { Scope } from '../domain/scope.js';

/** Who makes a request, by the API key it came with. */
export interface Caller {
  readonly tenant: string;
  readonly livemode: boolean;
  /** Id of the key. */
  readonly actor: string;
  readonly scopes: readonly Scope[];
  /** The trace the request belongs to. */
  readonly traceId: string | undefined;
}
