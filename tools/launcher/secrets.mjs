import { join } from 'node:path';

import { paths } from './checkout.mjs';
import { secretIn } from './local-stack.mjs';

/**
 * A secret of this checkout, made once: `internal-secret` signs the gateway's requests to the other services,
 * `ledger-signing-key` the heads of the ledger's history, `redis-gateway` is the gateway's password there, and the cards'
 * are what the sandbox acquirer knows us by, and we it.
 * @param {'internal-secret' | 'ledger-signing-key' | 'redis-gateway' | 'cards-api-key' | 'cards-webhook-secret'} name
 */
export function secretOf(name) {
  return secretIn(join(paths.state, 'secrets', name), 32);
}
