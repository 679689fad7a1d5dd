import { randomUUID } from 'node:crypto';
import type { Begun } from '@payflow/gateway/database';
import { withDatabase } from '../installation.js';
import { findHost } from './demo-host.js';
import { post } from './demo-post.js';

const FUNDS = '1000000';
const AMOUNT = '1999';

/** Wallets of its own each time, so that it can be run again; prints what it did as one JSON object. */
export async function demo({ api }: { api: string }): Promise<void> {
  const { apiKey, owner } = await withDatabase('gateway', findHost);
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

/** The payment, also one that was refused, or waits for a review. */
async function pay(api: string, apiKey: string, body: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { status, body: payment } = await post(`${api}/api/v1/payments`, apiKey, {
    ...body,
    method: { type: 'internal' },
  });
  if (status === 201 || status === 202) return payment;
  // Its owner's limits and rules hold for it as well: that they do is no fault of the house.
  if (status === 402) return payment['payment'] as Record<string, unknown>;
  throw new Error(`the payment answered ${status}: ${JSON.stringify(payment)}`);
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
