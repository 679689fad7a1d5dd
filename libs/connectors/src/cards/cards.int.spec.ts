import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { context } from '@opentelemetry/api';
import { extractTraceContext, renderMetrics, startTelemetry } from '@payflow/telemetry';
import { until } from '@payflow/testing';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProviderRequest } from '../connector.js';
import { HttpConnector, type HttpSettings } from '../outbound/http-connector.js';
import { json, playProvider, type PlayedProvider, type Reply } from '../testing/played-provider.js';
import { cardsRail } from './rail.js';

const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of closing.splice(0)) await each.close();
});

let number = 0;
function wish(change: Partial<ProviderRequest> = {}): ProviderRequest {
  number += 1;
  return {
    action: 'authorize',
    idempotencyKey: `att_${number}`,
    merchantReference: `org_1/test/pay_${number}`,
    amount: '1999',
    asset: 'USD',
    card: { type: 'card', token: 'tok_visa' },
    reference: null,
    ...change,
  };
}

function connectorTo(url: string, change: Partial<HttpSettings> = {}, name = 'cards'): HttpConnector {
  const settings = { URL: url, HTTP2: false, CONNECTIONS: 10, TIME_LIMIT: 10_000, RATE_PER_S: undefined, ...change };
  const connector = new HttpConnector(name, cardsRail('secret-key-of-the-acquirer'), settings, null);
  closing.push(connector);
  return connector;
}

async function provider(reply: Reply, how?: { http2: boolean }): Promise<PlayedProvider> {
  const played = await playProvider(reply, how);
  closing.push(played);
  return played;
}

const call = () => ({ signal: new AbortController().signal });

/** The authorization that a wish would be answered with. */
function authorized({ merchantReference, idempotencyKey, amount, asset }: ProviderRequest, change: object = {}) {
  return {
    id: 'auth_1',
    object: 'authorization',
    status: 'authorized',
    decline_code: null,
    amount: { value: amount, currency: asset },
    authorized: { value: amount, currency: asset },
    captured: { value: '0', currency: asset },
    merchant_reference: merchantReference,
    idempotency_key: idempotencyKey,
    ...change,
  };
}

/** Sets aside whatever is asked for. */
const yes: Reply = (it, response) => {
  const asked = JSON.parse(it.body) as { readonly merchant_reference: string; readonly amount: { currency: string } };
  const { merchant_reference, amount } = asked;
  const sums = { amount, authorized: amount, captured: { ...amount, value: '0' } };
  json(201, { id: 'auth_1', status: 'authorized', merchant_reference, ...sums })(it, response);
};

describe('what is said of a void', () => {
  // The end that was wanted is there, whoever brought it about: the money is with its owner, and nothing is left to be given back.
  it.each(['already_voided', 'authorization_expired'])('%s is a yes', async (code) => {
    const { url } = await provider(json(422, { code }));
    const asked = wish({ action: 'void', amount: null, reference: 'auth_1' });
    expect(await connectorTo(url).ask(asked, call())).toMatchObject({ outcome: 'approved', reference: null });
  });

  it.each(['already_captured', 'not_authorized'])('%s is a no', async (code) => {
    const { url } = await provider(json(422, { code }));
    const asked = wish({ action: 'void', amount: null, reference: 'auth_1' });
    expect(await connectorTo(url).ask(asked, call())).toMatchObject({
      outcome: 'declined',
      code: 'authorization_ended',
    });
  });
});

describe('what an answer comes to', () => {
  const asked = wish();
  const cases: readonly [string, Reply, object][] = [
    ['too many requests', json(429, { code: 'rate_limited' }), { outcome: 'not_sent', code: 'provider_rate_limited' }],
    [
      '503 with Retry-After',
      json(503, {}, { 'retry-after': '1' }),
      { outcome: 'not_sent', code: 'provider_unavailable' },
    ],
    ['503 without', json(503, {}), { outcome: 'unknown', code: 'provider_failed' }],
    [
      'a key that is not ours',
      json(401, { code: 'unauthenticated' }),
      { outcome: 'not_sent', code: 'provider_refused_us' },
    ],
    ['500', json(500, {}), { outcome: 'unknown', code: 'provider_failed' }],
    ['a gateway’s 502', (_, r) => r.writeHead(502).end('<html>'), { outcome: 'unknown', code: 'provider_failed' }],
    ['a key used twice', json(409, { code: 'idempotency_key_reused' }), { outcome: 'unknown' }],
    ['a redirect', json(302, {}, { location: 'http://127.0.0.1:9/' }), { outcome: 'unknown' }],
    [
      'a refusal with a code',
      json(422, { code: 'already_voided' }),
      { outcome: 'declined', code: 'authorization_ended' },
    ],
    ['a code that is not known', json(400, { code: 'new_rule' }), { outcome: 'declined', code: 'request_refused' }],
    ['a refusal without a code', json(404, { message: 'no route' }), { outcome: 'unknown', code: 'answer_unreadable' }],
    ['no JSON', (_, r) => r.writeHead(201).end('<html>'), { outcome: 'unknown', code: 'answer_unreadable' }],
    ['an empty body', (_, r) => r.writeHead(201).end(), { outcome: 'unknown', code: 'answer_unreadable' }],
    ['JSON of another kind', json(201, [1]), { outcome: 'unknown', code: 'answer_unreadable' }],
    [
      'a number that cannot be kept',
      json(201, authorized(asked, { id: 'auth_\u0000' })),
      { outcome: 'unknown', code: 'answer_unreadable' },
    ],
    [
      'an address that cannot be kept',
      json(201, authorized(asked, { status: 'action_required', action: { url: 'https://bank.example/\u0000' } })),
      { outcome: 'unknown', code: 'answer_unreadable' },
    ],
    ['more than an answer can be', json(201, 'x'.repeat(300_000)), { outcome: 'unknown', code: 'answer_too_long' }],
    [
      'another sum than the one asked for',
      json(201, authorized(asked, { amount: { value: '1', currency: 'USD' } })),
      { outcome: 'unknown', code: 'answer_contradicts' },
    ],
    [
      'less than the sum asked for',
      json(201, authorized(asked, { authorized: { value: '600', currency: 'USD' } })),
      { outcome: 'unknown', code: 'answer_contradicts' },
    ],
    [
      'another payment',
      json(201, authorized(asked, { merchant_reference: 'org_1/test/pay_0' })),
      { outcome: 'unknown', code: 'answer_contradicts' },
    ],
    [
      'money taken that was to be set aside',
      json(201, authorized(asked, { status: 'captured' })),
      { outcome: 'unknown', code: 'answer_contradicts' },
    ],
    ['a state that is not known', json(201, authorized(asked, { status: 'pending' })), { outcome: 'unknown' }],
    [
      'an address that is a script',
      json(201, authorized(asked, { status: 'action_required', action: { url: 'javascript:alert(1)' } })),
      { outcome: 'unknown' },
    ],
    [
      'a decline of this acquirer alone',
      json(
        201,
        authorized(asked, {
          status: 'declined',
          decline_code: 'acquirer_unavailable',
          can_retry_elsewhere: true,
          authorized: { value: '0', currency: 'USD' },
        }),
      ),
      { outcome: 'declined', code: 'provider_declined', isOthersToTry: true },
    ],
    [
      'a body that is cut',
      (_, response) => {
        response.writeHead(201, { 'content-length': '1000' });
        response.write('{"id":', () => response.destroy());
      },
      { outcome: 'unknown', code: 'answer_cut' },
    ],
  ];
  it.each(cases)('%s', async (_what, reply, expected) => {
    const { url } = await provider(reply);
    expect(await connectorTo(url).ask(asked, call())).toMatchObject(expected);
  });
});

it('keeps of the provider’s words what its description names, and nothing else', async () => {
  const asked = wish();
  const { url } = await provider(
    json(201, authorized(asked, { token: '4242424242424242', api_key: 'secret', note: 'x'.repeat(1_000) })),
  );
  const { evidence } = await connectorTo(url).ask(asked, call());
  expect(evidence).toEqual({ status: 201, body: authorized(asked) });
});

it('sends the key, the trace and the token, and no more of a card', async () => {
  const asked = wish({ card: { type: 'card', token: 'tok_visa', brand: 'visa', country: 'DE' } });
  const { url, heard } = await provider(json(201, authorized(asked)));
  startTelemetry({ service: 'spec', exporter: 'none' });
  const trace = extractTraceContext('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
  await context.with(trace, () => connectorTo(`${url}/base/`).ask(asked, call()));
  expect(heard).toMatchObject([
    {
      method: 'POST',
      path: '/base/v1/authorizations',
      headers: {
        'idempotency-key': asked.idempotencyKey,
        authorization: 'Bearer secret-key-of-the-acquirer',
        traceparent: expect.stringMatching(/^00-0af7651916cd43dd8448eb211c80319c-/) as string,
      },
    },
  ]);
  expect(JSON.parse(heard[0]?.body as string)).toEqual({
    merchant_reference: asked.merchantReference,
    amount: { value: '1999', currency: 'USD' },
    token: 'tok_visa',
    capture: false,
  });
});

it('cannot be led to another path by a reference', async () => {
  const { url, heard } = await provider(json(404, { code: 'not_found' }));
  await connectorTo(url).ask(wish({ action: 'void', amount: null, reference: '../../test/reset?x=' }), call());
  expect(heard[0]?.path).toBe('/v1/authorizations/..%2F..%2Ftest%2Freset%3Fx%3D/void');
});

it('knows nothing when the line is reset after the request was written', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push({ close: () => new Promise((resolve) => server.close(() => resolve())) });
  const { port } = server.address() as AddressInfo;
  const answer = await connectorTo(`http://127.0.0.1:${port}`).ask(wish(), call());
  expect(answer).toMatchObject({ outcome: 'unknown', code: 'connection_lost' });
});

it.each([
  ['a name that nobody has', 'http://nobody.invalid'],
  ['a port where nobody listens', 'http://127.0.0.1:9'],
])('has sent nothing to %s', async (_what, url) => {
  expect(await connectorTo(url).ask(wish(), call())).toMatchObject({
    outcome: 'not_sent',
    code: 'connection_not_made',
  });
});

it('has sent nothing to a server that does not speak TLS', async () => {
  const { url, heard } = await provider(json(201, {}));
  const answer = await connectorTo(url.replace('http:', 'https:')).ask(wish(), call());
  expect(answer).toMatchObject({ outcome: 'not_sent', code: 'connection_not_made' });
  expect(heard).toEqual([]);
});

it('asks again by itself only what cannot have arrived, and questions', async () => {
  const { url, heard, answers } = await provider(json(500, {}));
  const connector = connectorTo(url);
  const asked = wish();
  expect(await connector.ask(asked, call())).toMatchObject({ outcome: 'unknown' });
  expect(heard).toHaveLength(1);
  let questions = 0;
  answers((it, response) => (questions++ === 0 ? json(500, {}) : json(200, { data: [] }))(it, response));
  expect(await connector.inquire(asked, call())).toMatchObject({ outcome: 'not_found' });
  expect(heard).toHaveLength(3);
});

it('makes no more connections than it may, and lets the others wait', async () => {
  const { url, connections } = await provider((it, response) => {
    setTimeout(() => {
      yes(it, response);
    }, 20);
  });
  const connector = connectorTo(url, { CONNECTIONS: 3 });
  const answers = await Promise.all(Array.from({ length: 9 }, () => connector.ask(wish(), call())));
  expect(answers.map(({ outcome }) => outcome)).toEqual(Array(9).fill('approved'));
  expect(connections()).toBe(3);
  const { body } = await renderMetrics();
  expect(body).toMatch(/payflow_connector_connections\{connector="cards",state="open"\} 3/);
  expect(body).toMatch(
    /payflow_connector_call_seconds_count\{connector="cards",action="authorize",outcome="approved"\}/,
  );
});

it('refuses what has no place instead of holding it, and never sends it later', async () => {
  const { url, heard } = await provider(() => undefined);
  const connector = connectorTo(url, { CONNECTIONS: 1, TIME_LIMIT: 1_500 });
  const answers = await Promise.all(Array.from({ length: 5 }, () => connector.ask(wish(), call())));
  expect(answers.filter(({ outcome }) => outcome === 'unknown')).toHaveLength(1);
  expect(answers.filter(({ outcome }) => outcome === 'not_sent')).toHaveLength(4);
  await connector.close();
  expect(heard).toHaveLength(1);
});

it('leaves the others their places while its own provider is silent', async () => {
  const silent = await provider(() => undefined);
  const answering = await provider(yes);
  const slow = connectorTo(silent.url);
  const quick = connectorTo(answering.url, {}, 'cards_b');
  let over = 0;
  const waiting = Array.from({ length: 150 }, () => slow.ask(wish(), call()).finally(() => (over += 1)));
  await until('the silent provider has all that it may have', async () => silent.heard.length === 10);
  const answers = await Promise.all(Array.from({ length: 50 }, () => quick.ask(wish(), call())));
  expect(answers.map(({ outcome }) => outcome)).toEqual(Array(50).fill('approved'));
  // Ten are at it and a hundred wait; the rest was refused at once.
  expect(over).toBe(40);
  await slow.close();
  await Promise.all(waiting);
});

it('does not call while the breaker is open', async () => {
  const { url, heard } = await provider(json(500, {}));
  const connector = connectorTo(url);
  for (let i = 0; i < 10; i++) await connector.ask(wish(), call());
  expect(await connector.ask(wish(), call())).toMatchObject({ outcome: 'not_sent', code: 'breaker_open' });
  expect(heard).toHaveLength(10);
});

it('keeps to the supplier’s rate, and refuses before sending what would come too late', async () => {
  const { url, heard } = await provider(json(429, {}));
  const connector = connectorTo(url, { RATE_PER_S: 1, TIME_LIMIT: 900 });
  const answers = await Promise.all([connector.ask(wish(), call()), connector.ask(wish(), call())]);
  expect(answers).toMatchObject([{ code: 'provider_rate_limited' }, { outcome: 'not_sent', code: 'rate_limited' }]);
  expect(heard).toHaveLength(1);
});

it('speaks HTTP/2 where it is told to, many calls on a connection', async () => {
  const { url, connections } = await provider(yes, { http2: true });
  const connector = connectorTo(url, { HTTP2: true, CONNECTIONS: 2 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => connector.ask(wish(), call())));
  expect(answers.map(({ outcome }) => outcome)).toEqual(Array(20).fill('approved'));
  expect(connections()).toBeLessThanOrEqual(2);
});
