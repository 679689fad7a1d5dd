import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { paths } from './checkout.mjs';

/**
 * A secret of this checkout, made once: `internal-secret` signs the gateway's requests to the other services,
 * `ledger-signing-key` the heads of the ledger's history, `redis-gateway` is the gateway's password there, and the cards'
 * are what the sandbox acquirer knows us by, and we it.
 * @param {'internal-secret' | 'ledger-signing-key' | 'redis-gateway' | 'cards-api-key' | 'cards-webhook-secret'} name
 */
export function secretOf(name) {
  const file = join(paths.state, 'secrets', name);
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, randomBytes(32).toString('base64url'), { mode: 0o600 });
  }
  return readFileSync(file, 'utf8').trim();
}
