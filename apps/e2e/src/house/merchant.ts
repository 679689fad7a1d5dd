import { createHash, randomBytes } from 'node:crypto';
import { newId, uuidOf } from '@payflow/contracts';
import { ApiClient, jsonOf, type Reply } from './api-client.js';
import type { Databases } from './databases.js';

const SCOPES = [
  'accounts:read',
  'accounts:write',
  'accounts:admin',
  'payments:read',
  'payments:write',
  'monitoring:read',
];
const KEY_BYTES = 24;
const WAIT_S = 10;
const FUNDS = '1000000000000';

export interface PaymentBody {
  readonly source: string;
  readonly destination: string;
  readonly amount: string;
  readonly asset: string;
  readonly method: { readonly type: 'internal' };
  readonly reference?: string;
}

/** A tenant of its own with an API key, and accounts that hold money. */
export class Merchant {
  private constructor(
    readonly tenant: string,
    readonly apiKey: string,
    readonly api: ApiClient,
    /** May be debited without limit. */
    readonly world: string,
    /** Each holds {@link FUNDS}. */
    readonly accounts: readonly string[],
    /** Has nothing: whatever is paid from it is refused. */
    readonly pauper: string,
  ) {}

  static async open(databases: Databases, base: string, accounts = 20): Promise<Merchant> {
    const tenant = newId('tenant');
    const apiKey = await makeApiKey(databases, tenant);
    const api = new ApiClient(base, apiKey);
    const open = (body: object) => created(api, '/api/v1/accounts', body);
    const world = await open({ asset: 'USD', overdraft: 'unbounded', metadata: { role: 'the outside world' } });
    const [pauper = '', ...funded] = await Promise.all(
      Array.from({ length: accounts + 1 }, () => open({ asset: 'USD' })),
    );
    await Promise.all(
      funded.map((destination) =>
        created(api, '/api/v1/payments', {
          source: world,
          destination,
          amount: FUNDS,
          asset: 'USD',
          method: { type: 'internal' },
        }),
      ),
    );
    return new Merchant(tenant, apiKey, api, world, funded, pauper);
  }

  close(): void {
    this.api.close();
  }
}

async function makeApiKey(databases: Databases, tenant: string): Promise<string> {
  const key = `sk_test_${randomBytes(KEY_BYTES).toString('base64url')}`;
  const id = uuidOf('tenant', tenant);
  await databases.rows('gateway', 'insert into tenants (id, name) values ($1, $2)', [id, 'e2e']);
  await databases.rows(
    'gateway',
    'insert into api_keys (tenant_id, livemode, id, key_hash, name, scopes) values ($1, false, $2, $3, $4, $5)',
    [id, uuidOf('apiKey', newId('apiKey')), createHash('sha256').update(key).digest(), 'e2e', SCOPES],
  );
  return key;
}

async function created(api: ApiClient, path: string, body: object): Promise<string> {
  const reply = await api.call(path, { body: JSON.stringify(body), idempotencyKey: newId('event'), wait_s: WAIT_S });
  if (reply.kind === 'unknown' || reply.status !== 201) throw new Error(`${path} answered ${describe(reply)}`);
  return jsonOf<{ id: string }>(reply).id;
}

export function describe(reply: Reply): string {
  return reply.kind === 'unknown' ? `nothing certain (${reply.why})` : `${reply.status} ${reply.body.toString()}`;
}
