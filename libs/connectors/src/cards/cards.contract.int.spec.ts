import { createHmac } from 'node:crypto';
import { fromUuid, newId, newUuid } from '@payflow/contracts';
import { sandboxConfiguration } from '@payflow/sandbox/config';
import { startSandboxServer } from '@payflow/sandbox/server';
import { readConfiguration } from '@payflow/service';
import { configureLogging } from '@payflow/telemetry';
import type { Connector, ProviderRequest } from '../connector.js';
import { keepsTheContract, type ProviderUnderTest, type Scenario } from '../testing/contract.js';
import { signingKey } from '../webhooks.js';
import { cards } from './index.js';

configureLogging({ level: 'silent' });

const API_KEY = 'payflow-development-cards-api-key';
const WEBHOOK_SECRET = 'whsec_cGF5Zmxvdy1kZXZlbG9wbWVudC1jYXJkcy13ZWJob29r';
const TENANT = newId('tenant');

const TOKENS: Readonly<Record<Scenario, string>> = {
  succeeds: 'tok_visa',
  declines: 'tok_decline_insufficient_funds',
  wants_action: 'tok_action',
  silent_after: 'tok_silent',
  fails_after: 'tok_500_after',
  cuts_after: 'tok_cut_after',
};

function connectorTo(url: string): Connector {
  const settings = {
    URL: url,
    API_KEY,
    HTTP2: false,
    CONNECTIONS: 10,
    TIME_LIMIT: 500,
    RATE_PER_S: undefined,
  };
  return cards.open('cards', settings, cards.webhooks?.({ WEBHOOK_SECRET, WEBHOOK_SECRET_PREVIOUS: undefined }) ?? null);
}

/** A wish of its own payment; what goes on with an authorization is of the payment that it names. */
function wisher() {
  const references = new Map<string, string>();
  return {
    references,
    wish(action: ProviderRequest['action'], scenario: Scenario, reference: string | null = null): ProviderRequest {
      const idempotencyKey = newId('attempt');
      const merchantReference = `${TENANT}/test/${fromUuid('payment', newUuid())}`;
      references.set(idempotencyKey, merchantReference);
      return {
        action,
        idempotencyKey,
        merchantReference,
        amount: action === 'void' ? null : '100',
        asset: 'USD',
        card: { type: 'card', token: TOKENS[scenario] },
        reference,
        final: true,
      };
    },
  };
}

function webhook(wish: ProviderRequest, at: Date) {
  const data = {
    id: 'auth_1',
    object: 'authorization',
    status: 'authorized',
    amount: { value: wish.amount, currency: wish.asset },
    merchant_reference: wish.merchantReference,
    idempotency_key: wish.idempotencyKey,
  };
  const body = JSON.stringify({ type: 'authorization.updated', timestamp: at.toISOString(), data });
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signed = createHmac('sha256', signingKey(WEBHOOK_SECRET)).update(`evt_1.${timestamp}.${body}`);
  return {
    headers: {
      'webhook-id': 'evt_1',
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signed.digest('base64')}`,
    },
    body: Buffer.from(body),
  };
}

async function sandbox(): Promise<ProviderUnderTest> {
  const server = await startSandboxServer(
    readConfiguration(sandboxConfiguration, { NODE_ENV: 'test', PORT: '0', OTEL_TRACES_EXPORTER: 'none' }),
  );
  const { references, wish } = wisher();
  return {
    connector: connectorTo(server.url),
    refused: connectorTo('http://127.0.0.1:9'),
    wish,
    /** The acquirer's own books are asked: how many authorizations it has granted for the payment. */
    doneUnder: async (idempotencyKey) => {
      const answer = await fetch(`${server.url}/v1/books/${references.get(idempotencyKey) as string}`, {
        headers: { authorization: `Bearer ${API_KEY}` },
      });
      const { data } = (await answer.json()) as { data: readonly { authorizations: number }[] };
      return data.reduce((sum, { authorizations }) => sum + authorizations, 0);
    },
    webhook,
    secrets: [API_KEY, WEBHOOK_SECRET],
    close: () => server.stop(),
  };
}

keepsTheContract('cards', sandbox);
