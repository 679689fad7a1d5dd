import { createHmac } from 'node:crypto';
import { fromUuid, newId, newUuid } from '@payflow/contracts';
import { sandboxConfiguration } from '@payflow/sandbox/config';
import { startSandboxServer } from '@payflow/sandbox/server';
import { readConfiguration } from '@payflow/service';
import { configureLogging } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { expect, it } from 'vitest';
import type { Connector, Notice, ProviderRequest } from '../connector.js';
import { HttpConnector } from '../outbound/http-connector.js';
import { keepsTheContract, type ProviderUnderTest, type Scenario } from '../testing/contract.js';
import { playProvider } from '../testing/played-provider.js';
import { signingKey } from '../webhooks.js';
import { cards } from './index.js';
import { cardsRail } from './rail.js';
import { cardsWebhooks } from './webhooks.js';

configureLogging({ level: 'silent' });

const API_KEY = 'payflow-development-cards-api-key';
const WEBHOOK_SECRET = 'whsec_cGF5Zmxvdy1kZXZlbG9wbWVudC1jYXJkcy13ZWJob29r';
const TENANT = newId('tenant');

const TOKENS: Readonly<Record<Scenario, string>> = {
  succeeds: 'tok_visa',
  declines: 'tok_decline_insufficient_funds',
  wants_action: 'tok_action',
  approves_part: 'tok_approve_part',
  silent_after: 'tok_silent',
  fails_after: 'tok_500_after',
  cuts_after: 'tok_cut_after',
};

/** What follows on an authorization is told what to play by its last four digits. */
const SUMS: Readonly<Record<Scenario, string>> = {
  succeeds: '10000',
  declines: '19002',
  wants_action: '10000',
  approves_part: '10000',
  silent_after: '19022',
  fails_after: '19024',
  cuts_after: '19026',
};
const WHOLE = '1000000';

const settingsTo = (url: string, isHttp2: boolean) => ({
  URL: url,
  MODE: 'both' as const,
  API_KEY,
  HTTP2: isHttp2,
  CONNECTIONS: 10,
  TIME_LIMIT: 1_500,
  RATE_PER_S: undefined,
});

function connectorTo(url: string, isHttp2: boolean): Connector {
  const reader = cards.webhooks?.({ WEBHOOK_SECRET, WEBHOOK_SECRET_PREVIOUS: undefined }) ?? null;
  return cards.open('cards', settingsTo(url, isHttp2), reader);
}

/** As an acquirer has it that sets money aside and takes it in two steps alone. */
function withoutSales(url: string): Connector {
  const rail = cardsRail(API_KEY);
  const actions = rail.capabilities.actions.filter((action) => action !== 'sale');
  const lesser = { ...rail, capabilities: { ...rail.capabilities, actions } };
  return new HttpConnector('cards', lesser, settingsTo(url, false), cardsWebhooks([WEBHOOK_SECRET]));
}

/** A wish of its own payment; what goes on with an authorization is of the payment that it names. */
function wisher() {
  const wishes = new Map<string, ProviderRequest>();
  return {
    wishes,
    wish(action: ProviderRequest['action'], scenario: Scenario, reference: string | null = null): ProviderRequest {
      const idempotencyKey = newId('attempt');
      const merchantReference = `${TENANT}/test/${fromUuid('payment', newUuid())}`;
      const wish = {
        action,
        idempotencyKey,
        merchantReference,
        amount: action === 'void' ? null : reference === null ? WHOLE : SUMS[scenario],
        asset: 'USD',
        card: { type: 'card' as const, token: TOKENS[scenario] },
        reference,
      };
      wishes.set(idempotencyKey, wish);
      return wish;
    },
  };
}

const webhooks: ProviderUnderTest['webhooks'] = {
  bodyOf: (wish) =>
    JSON.stringify({
      type: 'authorization.updated',
      timestamp: '2026-01-01T00:00:00.000Z',
      data: {
        id: 'auth_1',
        object: 'authorization',
        status: 'authorized',
        amount: { value: wish.amount, currency: wish.asset },
        merchant_reference: wish.merchantReference,
        idempotency_key: wish.idempotencyKey,
      },
    }),
  sign: (body, at) => {
    const timestamp = String(Math.floor(at.getTime() / 1_000));
    const signed = createHmac('sha256', signingKey(WEBHOOK_SECRET)).update(`evt_1.${timestamp}.${body}`);
    return {
      'webhook-id': 'evt_1',
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signed.digest('base64')}`,
    };
  },
};

const start = (env: NodeJS.ProcessEnv = {}) =>
  startSandboxServer(
    readConfiguration(sandboxConfiguration, { NODE_ENV: 'test', PORT: '0', OTEL_TRACES_EXPORTER: 'none', ...env }),
  );

/** The sum of an authorization by which it is seen how often something was done that goes on with it. */
const MOVED_BY: Readonly<Partial<Record<ProviderRequest['action'], string>>> = {
  increment: 'authorized',
  capture: 'captured',
  refund: 'refunded',
};

/**
 * The acquirer's own books are asked, and not what it keeps under the key: how many authorizations it has granted for the payment, and
 * of what goes on with one, how many times its sum has moved.
 */
async function done(url: string, wish: ProviderRequest): Promise<number> {
  const read = async (path: string): Promise<unknown> =>
    (await fetch(`${url}/v1/${path}`, { headers: { authorization: `Bearer ${API_KEY}` } })).json();
  const { action, reference, amount, merchantReference } = wish;
  if (action === 'sale' || action === 'authorize') {
    const { data } = (await read(`books/${merchantReference}`)) as { data: readonly { authorizations: number }[] };
    return data.reduce((sum, { authorizations }) => sum + authorizations, 0);
  }
  const sums = (await read(`authorizations/${reference}`)) as Record<string, { readonly value: string }>;
  const before = action === 'increment' ? Number(WHOLE) : 0;
  return (Number(sums[MOVED_BY[action] ?? '']?.value) - before) / Number(amount);
}

async function sandbox(openTo: (url: string) => Connector): Promise<ProviderUnderTest> {
  const server = await start();
  const { wishes, wish } = wisher();
  return {
    connector: openTo(server.url),
    refused: openTo('http://127.0.0.1:9'),
    wish,
    doneUnder: (idempotencyKey) => done(server.url, wishes.get(idempotencyKey) as ProviderRequest),
    webhooks,
    secrets: [API_KEY, WEBHOOK_SECRET],
    close: () => server.stop(),
  };
}

keepsTheContract('cards', () => sandbox((url) => connectorTo(url, false)));
keepsTheContract('cards over HTTP/2', () => sandbox((url) => connectorTo(url, true)));
keepsTheContract('cards without sales', () => sandbox(withoutSales));

it('understands what the acquirer itself tells by webhook', async () => {
  const reader = cardsWebhooks([WEBHOOK_SECRET]);
  const told: (Notice | null | undefined)[] = [];
  const merchant = await playProvider(({ headers, body }, response) => {
    told.push(reader.read(headers as Record<string, string>, Buffer.from(body), new Date()));
    response.writeHead(204).end();
  });
  const server = await start({ SANDBOX_WEBHOOK_URL: merchant.url });
  const connector = connectorTo(server.url, false);
  const { wish } = wisher();
  const call = { signal: new AbortController().signal };
  const sale = wish('sale', 'succeeds');
  const answer = await connector.ask(sale, call);
  const reference = 'reference' in answer ? answer.reference : null;
  const refund = wish('refund', 'succeeds', reference);
  await connector.ask(refund, call);
  await connector.ask(wish('sale', 'declines'), call);
  const disputed = await fetch(`${server.url}/test/authorizations/${reference}/disputes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
    body: '{"amount":"500"}',
  });
  const { id: dispute } = (await disputed.json()) as { id: string };
  await until('all four are told', async () => told.length === 4);
  const { merchantReference } = sale;
  expect(told).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        kind: 'attempt_approved',
        idempotencyKey: sale.idempotencyKey,
        merchantReference,
        reference,
      }),
      expect.objectContaining({ kind: 'attempt_approved', idempotencyKey: refund.idempotencyKey, merchantReference }),
      expect.objectContaining({ kind: 'attempt_declined', code: 'insufficient_funds' }),
      expect.objectContaining({
        kind: 'dispute_opened',
        idempotencyKey: null,
        merchantReference,
        reference: dispute,
        amount: '500',
        code: 'fraudulent',
        evidenceDueBy: expect.stringMatching(/Z$/) as string,
      }),
    ]),
  );
  const { evidenceDueBy, amount, asset } = told.find((notice) => notice?.kind === 'dispute_opened') as Notice;
  expect(await connector.dispute?.(dispute, call)).toEqual({
    ...{ status: 'opened', merchantReference, evidenceDueBy, amount, asset },
  });
  await Promise.all([connector.close(), server.stop(), merchant.close()]);
});
