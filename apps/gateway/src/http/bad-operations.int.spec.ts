import { ID_PREFIXES, newId, type IdKind } from '@payflow/contracts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { countAllRows } from '../testing/all-rows.js';
import { type Answered } from '../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../testing/stage.js';
import { openApiDocument } from './openapi/document.js';
import { OPERATIONS } from './openapi/operations.js';
import { canDoWithoutBody } from './openapi/optional-body.js';
import { referred } from './openapi/referred.js';

interface Described {
  readonly parameters: readonly {
    readonly name?: string;
    readonly in?: string;
    readonly schema?: { pattern?: string };
  }[];
  readonly responses: Readonly<Record<string, Refusal | { readonly $ref: string }>>;
}
interface Refusal {
  readonly content?: Readonly<Record<string, { readonly examples?: object }>>;
}
const document = openApiDocument() as { readonly paths: Record<string, Record<string, Described>> };

/** What the document says of each operation that needs a key. */
const ALL = OPERATIONS.filter(({ scope }) => scope !== 'signature' && (scope as string) !== 'open').map(
  (operation) => ({
    ...operation,
    described: document.paths[operation.path]?.[operation.method] as Described,
  }),
);
type One = (typeof ALL)[number];
/** Without those that an owner answers, which is not there. */
const READS = ALL.filter(({ method, problems }) => method === 'get' && !problems.includes('bad_gateway'));
const WRITES = ALL.filter(({ body }) => body !== undefined);

let stage: Stage;
let before: Readonly<Record<string, number>>;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());
beforeEach(async () => {
  before = await countAllRows(stage.db);
});
// No row and no message, whatever was refused.
afterEach(async () => {
  expect(await countAllRows(stage.db)).toEqual(before);
});

const JSON_TYPE = { 'content-type': 'application/json' };
const send = (
  { method, body }: One,
  path: string,
  headers: Record<string, string> = {},
  text = '{}',
): Promise<Answered> => {
  const key = method === 'get' ? {} : { 'idempotency-key': newId('event') };
  const version = method === 'patch' ? { 'if-match': '*' } : {};
  return stage.client.send(method.toUpperCase(), path, body === undefined ? undefined : text, {
    ...(body === undefined ? {} : { ...JSON_TYPE, ...key }),
    ...version,
    ...headers,
  });
};

/** The path with ids of things that are not there. */
function pathOf({ path, described: { parameters } }: One, id?: string): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const pattern = parameters.find((one) => one.in === 'path' && one.name === name)?.schema?.pattern ?? '';
    const kind = (Object.keys(ID_PREFIXES) as IdKind[]).find((one) => pattern.startsWith(`^${ID_PREFIXES[one]}_`));
    return id ?? (kind ? newId(kind) : name === 'month' ? '2026-01' : 'NONE');
  });
}

/** Its code is one of those that the document lists for this status of this operation. */
function expectListed({ described, id }: One, answer: Answered): void {
  const { content } = referred<Refusal>(document, described.responses[answer.status] ?? {});
  const listed = content?.['application/problem+json']?.examples ?? {};
  expect([id, answer.status, Object.keys(listed)]).toEqual([
    id,
    answer.status,
    expect.arrayContaining([answer.body['code']]),
  ]);
}

describe.each(ALL.map((one) => [one.id, one] as const))('%s', (_id, one) => {
  it('is refused without a key, with a bad one, and in a version that there is not', async () => {
    const path = pathOf(one);
    for (const authorization of ['', 'Bearer x', `Bearer sk_test_${'x'.repeat(32)}`, 'Basic YTpi'])
      expect(told(await send(one, path, { authorization }))).toBe('401 unauthenticated');
    for (const date of ['2020-01-01', '2999-01-01', '2026-02-30', 'latest', ''])
      expect(told(await send(one, path, { 'payflow-version': date }))).toBe('400 invalid_header');
  });

  it('is refused with a parameter that there is not, and with an id that is none', async () => {
    const unknown = await send(one, `${pathOf(one)}?zz_unknown=1`);
    expect(unknown.status).toBeGreaterThanOrEqual(400);
    expect(unknown.status).toBeLessThan(500);
    expectListed(one, unknown);
    if (!one.path.includes('{')) return;
    for (const id of ['x', '%00', "a'b", '%F0%9F%92%B8', 'x'.repeat(200)]) {
      const answer = await send(one, pathOf(one, id));
      expect([400, 404]).toContain(answer.status);
      expectListed(one, answer);
    }
    expect(told(await send(one, pathOf(one, 'x'.repeat(300))))).toBe('414 uri_too_long');
  });
});

describe.each(WRITES.map((one) => [one.id, one] as const))('%s, which writes,', (_id, one) => {
  it('is refused without a body that is JSON, or without a key of its own', async () => {
    const path = pathOf(one);
    const bodies = [
      ...(canDoWithoutBody(one) ? [] : ['']),
      '{',
      '[]',
      'null',
      '"x"',
      '\ufeff{}',
      '{"a":1,"a":2}',
      '{"__proto__":{}}',
      '{"a":"\\u0000"}',
      '['.repeat(20_000),
    ];
    for (const body of bodies) {
      const answer = await send(one, path, {}, body);
      expect([400, 404, 422]).toContain(answer.status);
      expectListed(one, answer);
    }
    const refused: [headers: Record<string, string>, body?: string][] = [
      [{ 'content-type': 'text/plain' }],
      [{ 'content-encoding': 'gzip' }],
      [{ 'idempotency-key': '' }],
      [{ 'idempotency-key': 'a b' }],
      [{}, `{"a":"${'x'.repeat(one.bodyForms ? 4_300_000 : 300_000)}"}`],
    ];
    for (const [headers, body] of refused) {
      const answer = await send(one, path, headers, body);
      expect([400, 404, 413, 415, 422]).toContain(answer.status);
      expectListed(one, answer);
    }
  });
});

describe.each(ALL.filter(({ method }) => method === 'patch').map((one) => [one.id, one] as const))(
  '%s, which takes the place of what is there,',
  (_id, one) => {
    it('is refused to who does not say of which version', async () => {
      const answer = await stage.client.send('PATCH', pathOf(one), '{}', {
        ...JSON_TYPE,
        'idempotency-key': newId('event'),
      });
      expect(told(answer)).toBe('428 precondition_required');
      expectListed(one, answer);
    });
  },
);

/** What the document shows of each, or a text that is as good as another. */
const NEEDED: Readonly<Record<string, string>> = { needs_attention: 'true' };

describe.each(READS.map((one) => [one.id, one] as const))('%s, which reads,', (_id, one) => {
  it('needs the parameters that the document says are required, and no other', async () => {
    const { requiredQuery = [] } = one;
    const asked = requiredQuery.map((name) => `${name}=${NEEDED[name] ?? 'x'}`);
    // One of two, whichever it is.
    if (one.id === 'listTransactions') asked.push('path=x');
    expect([200, 404]).toContain((await send(one, `${pathOf(one)}?${asked.join('&')}`)).status);
    for (const name of requiredQuery) {
      const others = asked.filter((text) => !text.startsWith(`${name}=`));
      expect(told(await send(one, `${pathOf(one)}?${others.join('&')}`))).toBe('400 invalid_parameter');
    }
  });

  it('is answered to HEAD as to GET, and to no method that overrides it', async () => {
    const path = pathOf(one);
    const get = await send(one, path, { 'x-http-method-override': 'DELETE' });
    const head = await stage.client.send('HEAD', path, undefined, {});
    expect([head.status, head.text]).toEqual([get.status, '']);
    expect(told(await stage.client.send('OPTIONS', path, undefined, {}))).toBe('405 method_not_allowed');
  });
});
