import { newId } from '@payflow/contracts';
import { API_VERSION } from '../domain/api-version.js';
import type { Caller } from '../http/edge/caller.js';

/** Who asks with a key of the owner's, as the edge knows him. */
export function callerOf(
  { tenant, livemode }: Pick<Caller, 'tenant' | 'livemode'>,
  change: Partial<Caller> = {},
): Caller {
  const credential = { organisation: tenant, actor: newId('apiKey'), kind: 'key', scopes: [] } as const;
  const apiVersion = API_VERSION;
  return { tenant, livemode, ...credential, address: '127.0.0.1', traceId: undefined, apiVersion, ...change };
}
