import { connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { startSandbox, type Sandbox } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client, fresh, usd, type Sent } from './testing/client.js';

let sandbox: Sandbox;
let client: Client;

beforeAll(async () => {
  sandbox = await startSandbox();
  client = new Client(sandbox);
});
afterAll(async () => {
  await client?.close();
  await sandbox?.stop();
});

const PATH = '/v1/authorizations';
const good = { merchant_reference: 't/test/pay_1', amount: usd('1999'), token: 'tok_visa', capture: false };
const withSum = (amount: unknown) => ({ ...good, amount });

interface Bad extends Sent {
  readonly what: string;
  readonly path?: string;
  readonly status: number;
  readonly code: string;
}

const shape = (what: string, body: object | string): Bad => ({ what, body, status: 400, code: 'invalid_request' });

const table: readonly Bad[] = [
  { what: 'no key of the merchant', headers: { authorization: '' }, body: good, status: 401, code: 'unauthenticated' },
  { what: 'a wrong one', headers: { authorization: 'Bearer x' }, body: good, status: 401, code: 'unauthenticated' },
  {
    what: 'a test control without it',
    path: '/test/reset',
    headers: { authorization: '' },
    body: {},
    status: 401,
    code: 'unauthenticated',
  },
  { what: 'half a JSON', body: '{"merchant_reference":', status: 400, code: 'malformed_json' },
  { what: 'nothing where JSON is announced', body: '', status: 400, code: 'malformed_json' },
  {
    what: 'another type of content',
    headers: { 'content-type': 'text/plain' },
    body: good,
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    what: 'a form',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'a=b',
    status: 415,
    code: 'unsupported_media_type',
  },
  { what: 'a huge body', body: { ...good, token: 'x'.repeat(70_000) }, status: 413, code: 'payload_too_large' },
  shape('no body', 'null'),
  shape('a list', []),
  shape('an unknown field', { ...good, more: 1 }),
  shape(
    'a prototype',
    '{"__proto__":{},"merchant_reference":"r","amount":{"value":"1","currency":"USD"},"token":"tok_visa","capture":true}',
  ),
  shape('a missing field', { ...good, capture: undefined }),
  shape('a word for a truth', { ...good, capture: 'true' }),
  shape('a number for a sum', withSum({ value: 1999, currency: 'USD' })),
  shape('no sum at all', withSum({ value: '0', currency: 'USD' })),
  shape('a negative sum', withSum({ value: '-1', currency: 'USD' })),
  shape('a fraction', withSum({ value: '19.99', currency: 'USD' })),
  shape('leading zeros', withSum({ value: '007', currency: 'USD' })),
  shape('digits that are none', withSum({ value: '１２', currency: 'USD' })),
  shape('more than can be counted', withSum({ value: '9'.repeat(19), currency: 'USD' })),
  shape('a currency in small letters', withSum({ value: '1', currency: 'usd' })),
  shape('a reference with a blank', { ...good, merchant_reference: 'a b' }),
  shape('an empty reference', { ...good, merchant_reference: '' }),
  shape('a long reference', { ...good, merchant_reference: 'x'.repeat(256) }),
  { what: 'an unknown currency', body: withSum(usdLike('XXX')), status: 400, code: 'currency_unknown' },
  { what: 'what is no currency of cards', body: withSum(usdLike('BTC')), status: 400, code: 'currency_unknown' },
  { what: 'an unknown token', body: { ...good, token: 'tok_nobody' }, status: 400, code: 'token_unknown' },
  { what: 'the number of a card', body: { ...good, token: '4242424242424242' }, status: 400, code: 'token_unknown' },
  { what: 'a name of every object', body: { ...good, token: 'tok_constructor' }, status: 400, code: 'token_unknown' },
  { what: 'a key with a blank', key: 'a b', body: good, status: 400, code: 'idempotency_key_invalid' },
  { what: 'a long key', key: 'x'.repeat(256), body: good, status: 400, code: 'idempotency_key_invalid' },
  {
    what: 'an authorization that is not there',
    path: `${PATH}/auth_none/void`,
    body: {},
    status: 404,
    code: 'not_found',
  },
  {
    what: 'a dispute that is not there',
    path: '/v1/disputes/dp_none/evidence',
    body: { a: 'b' },
    status: 404,
    code: 'not_found',
  },
  {
    what: 'evidence without any',
    path: '/v1/disputes/dp_none/evidence',
    body: {},
    status: 400,
    code: 'invalid_request',
  },
  {
    what: 'evidence that is no text',
    path: '/v1/disputes/dp_none/evidence',
    body: { a: 1 },
    status: 400,
    code: 'invalid_request',
  },
  {
    what: 'a void with a sum',
    path: `${PATH}/auth_none/void`,
    body: { amount: usd('1') },
    status: 400,
    code: 'invalid_request',
  },
  { what: 'a path that is not there', path: '/v1/nothing', body: {}, status: 404, code: 'not_found' },
  { what: 'an unknown setting', path: '/test/settings', body: { speed: 1 }, status: 400, code: 'invalid_request' },
];

function usdLike(currency: string) {
  return { value: '1', currency };
}

describe('bad input', () => {
  let before = 0;
  beforeEach(async () => (before = (await sandbox.check()).operations));

  it.each(table)(
    '$what: $status $code, and nothing is done',
    async ({ path = PATH, status, code, key = fresh(), ...sent }) => {
      const answer = await client.send(path, { key, ...sent });
      expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(answer.body.status).toBe(status);
      expect(answer.text).not.toContain('4242424242424242');
      expect((await sandbox.check()).operations).toBe(before);
    },
  );

  it('names the field', async () => {
    const { body } = await client.send(PATH, { key: fresh(), body: withSum({ value: '-1', currency: 'USD' }) });
    expect(body).toMatchObject({ errors: [{ pointer: '/amount/value' }] });
  });

  it('without an idempotency key is refused', async () => {
    expect((await client.send(PATH, { body: good })).body.code).toBe('idempotency_key_invalid');
  });

  it('asks for a key in an inquiry, and knows no other question', async () => {
    for (const query of ['', '?idempotency_key=', '?idempotency_key=k&more=1', '?idempotency_key=a&idempotency_key=b'])
      expect((await client.get(`/v1/operations${query}`)).body.code).toBe('invalid_request');
  });

  it.each([['/v1/books/%zz'], ['/v1/authorizations/%E0%A4%A'], [`/v1/authorizations/${'x'.repeat(300)}`]])(
    'is a path, too: %s',
    async (path) => {
      const answer = await client.get(path);
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
      expect(answer.headers['content-type']).toContain('application/problem+json');
    },
  );

  it('is a header that is too large', async () => {
    const answer = await client.send('/v1/books', { method: 'GET', headers: { more: 'x'.repeat(20_000) } });
    expect(answer).toMatchObject({ status: 431, body: { code: 'headers_too_large' } });
  });

  it('that is no HTTP is told so', async () => {
    const said = await new Promise<string>((resolve, reject) => {
      const socket = connectSocket(Number(new URL(sandbox.url).port), '127.0.0.1', () =>
        socket.write('nonsense\r\n\r\n'),
      );
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    });
    expect(said).toMatch(/^HTTP\/1\.1 400 /);
    expect(said).toContain('"code":"invalid_request"');
  });
});

describe('the server', () => {
  it('speaks HTTP/2 on the same port', async () => {
    const session = connect(sandbox.url);
    const stream = session.request({ ':path': '/v1/books', authorization: `Bearer ${sandbox.apiKey}` });
    const status = await new Promise<number>((resolve, reject) => {
      stream.once('response', (headers) => resolve(Number(headers[':status']))).once('error', reject);
    });
    session.destroy();
    expect(status).toBe(200);
  });

  it('is in the trace of whoever calls', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const headers = { traceparent: `00-${trace}-b7ad6b7169203331-01` };
    const answer = await client.send('/v1/books', { method: 'GET', headers });
    expect(answer.headers['traceparent']).toContain(trace);
  });

  it('says that it is well to whoever asks, without a key', async () => {
    for (const path of ['/health', '/readyz', '/livez', '/startupz', '/metrics'])
      expect((await fetch(sandbox.url + path)).status).toBe(200);
  });

  it('does not start for production, nor with a wrong configuration', async () => {
    const log = sandbox.dir;
    for (const environment of [{ NODE_ENV: 'production' }, { SANDBOX_CHAOS: '2' }, { SANDBOX_WEBHOOK_URL: 'nowhere' }])
      await expect(startSandbox({ dir: `${log}/other`, environment })).rejects.toThrow(
        'ended while starting (exit code 78)',
      );
  });
});
