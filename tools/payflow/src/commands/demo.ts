import { newId } from '@payflow/contracts';
import { randomUUID } from 'node:crypto';
import {
  AlreadyBootstrapped,
  SCOPES,
  bootstrap,
  createApiKey,
  createTenant,
  findApiKey,
  hashApiKey,
  type Begun,
} from '@payflow/gateway/database';
import { firstOwnerOf, rememberFirstOwner, withDatabase } from '../installation.js';

const WAIT_S = 10;
const FUNDS = '1000000';
const AMOUNT = '1999';
const FIRST_OWNER = 'owner@demo.example';

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Whose demonstration it is: the first owner's, where there is one who is known. */
interface Host {
  readonly apiKey: string;
  readonly owner: Begun | undefined;
}

/** Wallets of its own each time, so that it can be run again; prints what it did as one JSON object. */
export async function demo({ api }: { api: string }): Promise<void> {
  const { apiKey, owner } = await findHost();
  const run = randomUUID().slice(0, 8);
  const world = await openAccount(api, apiKey, {
    asset: 'USD',
    overdraft: 'unbounded',
    metadata: { role: 'the outside world' },
  });
  const alice = await openAccount(api, apiKey, { asset: 'USD', path: `users:alice-${run}:wallet` });
  const bob = await openAccount(api, apiKey, { asset: 'USD', path: `users:bob-${run}:wallet` });
  await pay(api, apiKey, {
    source: world,
    destination: alice,
    amount: FUNDS,
    asset: 'USD',
    reference: 'funding-alice',
  });
  await pay(api, apiKey, { source: world, destination: bob, amount: FUNDS, asset: 'USD', reference: 'funding-bob' });
  const body = { source: alice, destination: bob, amount: AMOUNT, asset: 'USD', reference: 'order-7' };
  const startedAt = performance.now();
  const payment = await pay(api, apiKey, body);
  const elapsedMs = Math.round(performance.now() - startedAt);
  const made = { payment, elapsedMs, traceId: payment['trace_id'], apiKey, curl: curlFor(api, apiKey, body) };
  const login = owner && loginFor(api, owner);
  process.stdout.write(`${JSON.stringify({ ...made, login })}\n`);
}

/**
 * A new installation gets its first organisation. In one that has it, whoever is remembered here as its owner goes on; nobody
 * else's books are touched: then it is a tenant of its own.
 */
async function findHost(): Promise<Host> {
  return withDatabase('gateway', async (db) => {
    try {
      const owner = await bootstrap(db, { organisation: 'Demo', email: FIRST_OWNER });
      rememberFirstOwner(owner);
      return { apiKey: owner.apiKey, owner };
    } catch (error) {
      if (!(error instanceof AlreadyBootstrapped)) throw error;
      const owner = firstOwnerOf(error.organisation);
      if (owner && (await findApiKey(db, hashApiKey(owner.apiKey)))) return { apiKey: owner.apiKey, owner };
      const tenant = owner?.organisation ?? (await createTenant(db, 'Demo'));
      return { apiKey: await createApiKey(db, { tenant, livemode: false, name: 'demo', scopes: SCOPES }), owner };
    }
  });
}

/** How the owner logs in, for the newcomer's own terminal. */
function loginFor(api: string, { email, password }: Begun): { email: string; curl: string } {
  const curl = [
    `curl -s ${api}/api/v1/auth/login`,
    `-H 'Content-Type: application/json'`,
    `-d '${JSON.stringify({ email, password })}'`,
  ].join(' \\\n  ');
  return { email, curl };
}

async function openAccount(api: string, apiKey: string, body: Record<string, unknown>): Promise<string> {
  const { status, body: account } = await post(`${api}/api/v1/accounts`, apiKey, body);
  if (status !== 201) throw new Error(`opening an account answered ${status}: ${JSON.stringify(account)}`);
  return account['id'] as string;
}

async function pay(api: string, apiKey: string, body: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { status, body: payment } = await post(`${api}/api/v1/payments`, apiKey, {
    ...body,
    method: { type: 'internal' },
  });
  if (status !== 201) throw new Error(`the payment answered ${status}: ${JSON.stringify(payment)}`);
  return payment;
}

async function post(url: string, apiKey: string, body: Record<string, unknown>): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      'idempotency-key': newId('event'),
      prefer: `wait=${WAIT_S}`,
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The same payment once more, for the newcomer's own terminal. */
function curlFor(api: string, apiKey: string, body: Record<string, unknown>): string {
  return [
    `curl -s ${api}/api/v1/payments`,
    `-H 'Authorization: Bearer ${apiKey}'`,
    `-H 'Content-Type: application/json'`,
    `-H "Idempotency-Key: $(date +%s%N)"`,
    `-d '${JSON.stringify({ ...body, method: { type: 'internal' } })}'`,
  ].join(' \\\n  ');
}
