import type { Database } from '@payflow/database';
import {
  AlreadyBootstrapped,
  bootstrap,
  createApiKey,
  createTenant,
  findApiKey,
  hashApiKey,
  SCOPES,
  type Begun,
} from '@payflow/gateway/database';
import { firstOwnerOf, rememberFirstOwner } from '../installation.js';

const FIRST_OWNER = 'owner@demo.example';

/** Whose demonstration it is: the first owner's, where there is one who is known. */
export interface Host {
  readonly apiKey: string;
  readonly owner: Begun | undefined;
}

/**
 * A new installation gets its first organisation. In one that has it, whoever is remembered here as its owner goes on; nobody
 * else's books are touched: then it is a tenant of its own.
 */
export async function findHost(db: Database): Promise<Host> {
  try {
    // Told only once a payment is through, and by nobody a second time: remembered first, wherever this runs.
    const owner = await bootstrap(db, { organisation: 'Demo', email: FIRST_OWNER }, (begun) =>
      rememberFirstOwner(begun, true),
    );
    return { apiKey: owner.apiKey, owner };
  } catch (error) {
    if (!(error instanceof AlreadyBootstrapped)) throw error;
    const owner = firstOwnerOf(error.organisation);
    if (owner && (await findApiKey(db, hashApiKey(owner.apiKey)))) return { apiKey: owner.apiKey, owner };
    const tenant = owner?.organisation ?? (await createTenant(db, 'Demo'));
    return { apiKey: await createApiKey(db, { tenant, livemode: false, name: 'demo', scopes: SCOPES }), owner };
  }
}
