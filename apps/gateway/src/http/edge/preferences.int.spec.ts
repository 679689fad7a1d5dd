import { newId } from '@payflow/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { countRows, type Counts } from '../../testing/gateway-under-test.js';
import { oneOfEach, type OneOfEach } from '../../testing/one-of-each.js';
import { openStage, told, type Stage } from '../../testing/stage.js';
import { openApiDocument } from '../openapi/document.js';
import type { Operation } from '../openapi/operation.js';
import { OPERATIONS } from '../openapi/operations.js';
import { referred } from '../openapi/referred.js';

interface Described {
  readonly parameters: readonly { readonly $ref?: string }[];
}
const document = openApiDocument() as { readonly paths: Record<string, Record<string, Described>> };
const { paths } = document;
const PREFER = '#/components/parameters/Prefer';
const IMPOSSIBLE = ['wait=11', 'wait=-1', 'wait=soon', 'wait', 'wait=1, wait=2'];

/** Whether the document says that the operation looks at `Prefer`. */
function waits({ path, method }: Operation): boolean {
  return paths[path]?.[method]?.parameters.some(({ $ref }) => $ref === PREFER) === true;
}
/** Whether it changes something, and its document has no `If-Match`. */
function isUnconditional({ path, method }: Operation): boolean {
  const names = paths[path]?.[method]?.parameters.map(({ $ref = '' }) => $ref.split('/').at(-1)) ?? [];
  return names.includes('IdempotencyKey') && !names.some((name) => name?.startsWith('IfMatch'));
}
const UNCONDITIONAL = OPERATIONS.filter(isUnconditional).map((one) => [one.id, one] as const);
const WAITING = OPERATIONS.filter(waits).map((one) => [one.id, one] as const);
const OTHERS = OPERATIONS.filter((one) => !waits(one)).map((one) => [one.id, one] as const);

let stage: Stage;
let mine: OneOfEach;
let before: Counts;

beforeAll(async () => {
  stage = await openStage();
  mine = await oneOfEach(stage);
});
afterAll(() => stage?.close());
beforeEach(async () => {
  before = await countRows(stage.db);
});

/** Sends an empty body, and what else a write needs, to something that is there. */
function ask({ method, path }: Operation, headers: Record<string, string>, query = '') {
  const kind = path.slice('/api/v1'.length, path.indexOf('/{'));
  const named = path.replace('{month}', '2020-01').replace('{id}', mine[kind] ?? 'none');
  const version = method === 'patch' || method === 'put' ? { 'if-match': '*' } : {};
  const ofWrites = { 'idempotency-key': newId('event'), 'content-type': 'application/json' };
  const others = method === 'get' ? {} : { ...ofWrites, ...version };
  const body = method === 'get' ? undefined : '{}';
  return stage.client.send(method.toUpperCase(), `${named}${query}`, body, { ...others, ...headers });
}

describe('a wait that nobody can wait', () => {
  it.each(WAITING)('is refused by %s, whose document has the header', async (_, operation) => {
    for (const prefer of IMPOSSIBLE) {
      const answer = await ask(operation, { prefer });
      expect([told(answer), answer.body['detail']]).toEqual([
        '400 invalid_header',
        expect.stringContaining('Prefer: wait'),
      ]);
      expect(answer.headers.get('preference-applied')).toBeNull();
    }
    expect(await countRows(stage.db)).toEqual(before);
  });

  it.each(OTHERS)('is passed over by %s, whose document has it not (RFC 7240)', async (_, operation) => {
    // Refused for something else, so that nothing comes of it.
    const refused = await ask(operation, {}, '?zz_unknown=1');
    for (const prefer of IMPOSSIBLE) {
      const answer = await ask(operation, { prefer }, '?zz_unknown=1');
      expect(told(answer)).toBe(told(refused));
      expect(answer.headers.get('preference-applied')).toBeNull();
    }
  });

  it('does not keep a write that ends at the gateway from being done', async () => {
    const answer = await stage.client.post(
      '/api/v1/keys',
      { name: 'x', scopes: ['payments:read'] },
      { prefer: 'wait=11' },
    );
    expect(told(answer)).toBe('201');
    expect(answer.headers.get('preference-applied')).toBeNull();
  });
});

it.each(UNCONDITIONAL)('a version that nobody looks at is refused by %s', async (_, operation) => {
  const answer = await ask(operation, { 'if-match': 'W/"1"' });
  expect([told(answer), answer.body['detail']]).toEqual([
    '400 invalid_header',
    'If-Match is not supported here: send this request without it.',
  ]);
  expect(await countRows(stage.db)).toEqual(before);
});

describe('a dry run', () => {
  it('is refused for the headers that the same request would be refused for, but needs no key', async () => {
    const refused = async (headers: Record<string, string>) =>
      told(await stage.client.post('/api/v1/transfers', { dry_run: true }, headers));
    expect(await refused({ prefer: 'wait=11' })).toBe('400 invalid_header');
    expect(await refused({ 'idempotency-key': 'a b' })).toBe('400 idempotency_key_malformed');
    expect(await refused({ 'idempotency-key': '' })).toBe('400 invalid_request');
  });
});

describe('an answer to a write has the headers that the document tells', () => {
  interface Answers {
    readonly responses: Readonly<Record<string, { readonly headers?: object } | { readonly $ref: string }>>;
  }
  const documents = paths as unknown as Record<string, Record<string, Answers>>;
  const asked = (): [method: 'post' | 'patch', path: string, id: string, body: object][] => {
    const { '/accounts': account = '', '/keys': key = '', '/payments': payment = '' } = mine;
    return [
      ['post', '/api/v1/accounts', '', { asset: 'USD' }],
      ['patch', '/api/v1/accounts/{id}', account, { metadata: { a: 'b' } }],
      ['post', '/api/v1/payments/{id}/refunds', payment, { amount: '1' }],
      ['post', '/api/v1/keys', '', { name: 'x', scopes: ['payments:read'] }],
      ['patch', '/api/v1/keys/{id}', key, { name: 'y' }],
      ['post', '/api/v1/keys/{id}/rotate', key, {}],
      ['post', '/api/v1/test/clock', '', { advance_seconds: 1 }],
      ['post', '/api/v1/limits', '', { kind: 'per_payment', asset: 'USD', amount: '5' }],
    ];
  };

  it('Location and ETag, there where it says so and nowhere else', async () => {
    const seen: string[] = [];
    for (const [method, path, id, body] of asked()) {
      const answer = await stage.client[method](path.replace('{id}', id), body);
      const described = referred<{ headers?: object }>(
        document,
        documents[path]?.[method]?.responses[answer.status] ?? {},
      );
      const told = Object.keys(described.headers ?? {});
      if (answer.status >= 300) continue;
      seen.push(path);
      for (const name of ['Location', 'ETag'])
        expect([path, name, answer.headers.has(name)]).toEqual([path, name, told.includes(name)]);
    }
    expect(seen.length).toBeGreaterThan(6);
  });
});
