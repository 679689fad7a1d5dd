import { configureLogging } from '@payflow/telemetry';
import { afterEach, expect, it } from 'vitest';
import { capabilities } from '../cards/capabilities.js';
import type { InquiryAnswer, ProviderAnswer, ProviderRequest } from '../connector.js';
import { json, playProvider } from '../testing/played-provider.js';
import { HttpConnector, type HttpRail } from './http-connector.js';

configureLogging({ level: 'silent' });

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of closing.splice(0)) await each.close();
});

const wish: ProviderRequest = {
  action: 'authorize',
  idempotencyKey: 'att_1',
  merchantReference: 'org_1/test/pay_1',
  amount: '100',
  asset: 'USD',
  card: { type: 'card', token: 'tok' },
  reference: null,
};
const call = { signal: new AbortController().signal };
const evidence = { status: 200 };

/** A rail that takes its provider's word for everything. */
async function trusting(said: Exclude<ProviderAnswer, { readonly outcome: 'not_sent' }>): Promise<HttpConnector> {
  const provider = await playProvider(json(200, {}));
  const request = { method: 'POST' as const, path: '/', headers: {}, body: '' };
  const rail: HttpRail = {
    capabilities,
    requestOf: () => request,
    inquiryOf: () => request,
    answerOf: () => said,
    foundOf: () => said,
  };
  const settings = { URL: provider.url, HTTP2: false, CONNECTIONS: 2, TIME_LIMIT: 1_000, RATE_PER_S: undefined };
  const connector = new HttpConnector('trusting', rail, settings, null);
  closing.push(connector, provider);
  return connector;
}

it('hands on what a rail has read', async () => {
  const said = { outcome: 'requires_action', url: 'https://bank.example/3ds', reference: 'auth_1', evidence } as const;
  const connector = await trusting(said);
  expect([await connector.ask(wish, call), await connector.inquire(wish, call)]).toEqual([said, said]);
});

it.each<[string, Exclude<InquiryAnswer, { readonly outcome: 'not_sent' | 'not_found' }>]>([
  ['a number with a NUL', { outcome: 'approved', reference: 'auth_\u0000', evidence }],
  ['half a character', { outcome: 'approved', reference: 'auth_\ud800', evidence }],
  ['a number without end', { outcome: 'approved', reference: 'a'.repeat(256), evidence }],
  ['no number at all', { outcome: 'approved', reference: '', evidence }],
  [
    'a number with a NUL, declined',
    { outcome: 'declined', code: 'card_declined', reference: '\u0000', isOthersToTry: false, evidence },
  ],
  ['a script', { outcome: 'requires_action', url: 'javascript:alert(1)', reference: 'auth_1', evidence }],
  [
    'an address without end',
    { outcome: 'requires_action', url: `https://a.example/${'a'.repeat(2_000)}`, reference: 'auth_1', evidence },
  ],
])('knows nothing where a rail hands on what cannot be kept: %s', async (_, said) => {
  const connector = await trusting(said);
  const unknown = {
    outcome: 'unknown',
    code: 'answer_unreadable',
    evidence: { code: 'answer_unreadable', ...evidence },
  };
  expect([await connector.ask(wish, call), await connector.inquire(wish, call)]).toEqual([unknown, unknown]);
});
