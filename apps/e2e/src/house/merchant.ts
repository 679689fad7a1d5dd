import { createHash, randomBytes } from 'node:crypto';
import { newId, uuidOf } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { ApiClient, jsonOf, type Reply } from './api-client.js';
import type { Databases } from './databases.js';

const SCOPES = [
  'accounts:read',
  'accounts:write',
  'accounts:admin',
  'payments:read',
  'payments:write',
  'limits:read',
  'limits:write',
  'reviews:read',
  'reviews:write',
  'transfers:read',
  'transfers:write',
  'holds:read',
  'holds:write',
  'monitoring:read',
  'test:write',
];
const KEY_BYTES = 24;
const WAIT_S = 10;
const CREATED_WITHIN_MS = 60_000;
const AT_A_TIME = 50;
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
    const [pauper = '', ...funded] = await inTurns(Array.from({ length: accounts + 1 }), () => open({ asset: 'USD' }));
    const funding = { source: world, amount: FUNDS, asset: 'USD', method: { type: 'internal' } };
    await inTurns(funded, (destination) => created(api, '/api/v1/payments', { ...funding, destination }));
    return new Merchant(tenant, apiKey, api, world, funded, pauper);
  }

  /** One account more, for what payments do not bring about. Returns its id once it is open, whatever dies meanwhile. */
  openAccount(): Promise<string> {
    return created(this.api, '/api/v1/accounts', { asset: 'USD' });
  }

  /** The same merchant, paying between these accounts alone, and never from an empty one. */
  payingBetween(accounts: readonly string[]): Merchant {
    return new Merchant(this.tenant, this.apiKey, this.api, this.world, accounts, accounts[0] ?? '');
  }

  close(): void {
    this.api.close();
  }
}

async function makeApiKey(databases: Databases, tenant: string): Promise<string> {
  await databases.rows('gateway', 'insert into tenants (id, name) values ($1, $2)', [uuidOf('tenant', tenant), 'e2e']);
  // The first of a house runs the installation: it alone is shown how that is doing.
  const claim = 'insert into installation (tenant_id) values ($1) on conflict (only_row) do nothing';
  await databases.rows('gateway', claim, [uuidOf('tenant', tenant)]);
  return (await addApiKey(databases, tenant, SCOPES)).key;
}

/** A key more of the tenant's. */
export async function addApiKey(
  databases: Databases,
  tenant: string,
  scopes: readonly string[],
  livemode = false,
): Promise<{ readonly key: string; readonly id: string }> {
  const key = `sk_${livemode ? 'live' : 'test'}_${randomBytes(KEY_BYTES).toString('base64url')}`;
  const id = newId('apiKey');
  await databases.rows(
    'gateway',
    'insert into api_keys (tenant_id, livemode, id, key_hash, name, scopes) values ($1, $2, $3, $4, $5, $6)',
    [
      uuidOf('tenant', tenant),
      livemode,
      uuidOf('apiKey', id),
      createHash('sha256').update(key).digest(),
      'e2e',
      scopes,
    ],
  );
  return { key, id };
}

/** Makes a resource and returns its id; what is not known to be made is asked for again under its key. */
async function created(api: ApiClient, path: string, body: object): Promise<string> {
  const options = { body: JSON.stringify(body), idempotencyKey: newId('event'), wait_s: WAIT_S };
  let last: Reply | undefined;
  const reply = await until(
    () => `${path} is answered; last: ${last && describe(last)}`,
    async () => {
      const answer = (last = await api.call(path, options));
      return answer.kind === 'answer' && answer.status !== 202 ? answer : undefined;
    },
    CREATED_WITHIN_MS,
  );
  if (reply.status !== 201) throw new Error(`${path} answered ${describe(reply)}`);
  return jsonOf<{ id: string }>(reply).id;
}

/** Side by side, and no more at a time than a house that has just started can take. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += AT_A_TIME) {
    results.push(...(await Promise.all(items.slice(at, at + AT_A_TIME).map(work))));
  }
  return results;
}

export function describe(reply: Reply): string {
  return reply.kind === 'unknown' ? `nothing certain (${reply.why})` : `${reply.status} ${reply.body.toString()}`;
}
