import { newId } from '@payflow/contracts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { openApiDocument } from './document.js';
import { OPERATIONS } from './operations.js';
import { referred } from './referred.js';
import { SCHEMAS } from './schemas.js';

interface Parameter {
  readonly name: string;
  readonly schema: object;
}
interface Answer {
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content?: object;
}
interface Described {
  readonly parameters: readonly Parameter[];
  readonly responses: Readonly<Record<string, Answer | { readonly $ref: string }>>;
}
const document = openApiDocument() as {
  readonly paths: Record<string, Record<string, Described>>;
  readonly components: { readonly responses: Readonly<Record<string, Answer>> };
};
const { paths, components } = document;
const described = Object.values(paths).flatMap(Object.values) as Described[];
/** What a read answers where it has something to tell. */
const shownAt = (path: string) => referred<Answer>(document, paths[path]?.['get']?.responses[200] ?? {});
/** The headers of an answer: those that are always there, or those that may be. */
const headersOf = ({ headers = {} }: Answer, isRequired: boolean) =>
  Object.entries(headers)
    .filter(([, one]) => (referred<{ required?: boolean }>(document, one).required === true) === isRequired)
    .map(([name]) => name);
const bodyOf = (name: string) => SCHEMAS[name] as { readonly properties?: { readonly id?: object } };

/** Where the document once said something else than the gateway does: what the conformance campaign has found. */
describe('the document', () => {
  it('tells of an id that was used before wherever a client may give one that must be new', () => {
    const giving = OPERATIONS.filter(({ id, body }) => body && bodyOf(body).properties?.id && !id.startsWith('define'));
    expect(giving.map(({ id }) => id)).toContain('postHold');
    expect(giving.filter(({ problems }) => !problems.includes('id_reused'))).toEqual([]);
  });

  it('tells of both forms of every list, whoever reads it, and of none of what a search has found', () => {
    const lists = OPERATIONS.filter(({ answer = '' }) => answer.endsWith('List'));
    const formsOf = (id: string, path: string) => [id, Object.keys(shownAt(path).content ?? {})];
    expect(lists.map(({ id, path }) => formsOf(id, path))).toEqual(
      lists.map(({ id }) => [
        id,
        ['application/json', ...(id === 'search' ? [] : ['text/csv', 'application/x-ndjson'])],
      ]),
    );
    expect(formsOf('getAccountStatement', '/api/v1/accounts/{id}/statement')[1]).toHaveLength(3);
  });

  it('names what every answer has, refusals too, and what only those have that were read', () => {
    const ofAll = ['Request-Id', 'PayFlow-Version', 'RateLimit', 'RateLimit-Policy', 'traceparent'];
    for (const [status, answer] of described.flatMap(({ responses }) => Object.entries(responses))) {
      const wasRead = !['400', '408', '414', '431'].includes(status);
      expect([status, headersOf(referred<Answer>(document, answer), wasRead)]).toEqual([
        status,
        expect.arrayContaining(ofAll),
      ]);
    }
    const reads = OPERATIONS.filter(({ method, own, scope }) => method === 'get' && !own && scope !== 'open');
    for (const { id, path } of reads)
      expect([id, headersOf(shownAt(path), false)]).toEqual([id, expect.arrayContaining(['PayFlow-View-Lag'])]);
  });

  it('says once what three operations or more answer alike, under a name that says which it is', () => {
    const written = described.flatMap(({ responses }) => Object.values(responses)).filter((one) => !('$ref' in one));
    const times = Map.groupBy(written, (one) => JSON.stringify(one));
    expect([...times.values()].filter(({ length }) => length > 2)).toEqual([]);
    expect(Object.keys(components.responses)).toEqual(
      expect.arrayContaining([
        'TooManyRequests',
        'NotFound',
        'InvalidCursorOrInvalidId',
        'OpenForbidden',
        'AcceptedPayment',
      ]),
    );
  });

  it('lets the audit log be asked about keys and users alike', () => {
    const actor = paths['/api/v1/audit_log']?.['get']?.parameters.find(({ name }) => name === 'actor');
    const isValid = new Ajv2020({ strict: false }).compile(actor?.schema ?? false);
    expect([newId('apiKey'), newId('user'), newId('account')].map((id) => isValid(id))).toEqual([true, true, false]);
  });

  it('has patterns that are understood outside of JavaScript: no property of Unicode', () => {
    const patterns = [...JSON.stringify(openApiDocument()).matchAll(/"pattern":"((?:[^"\\]|\\.)*)"/g)].map(
      ([, one]) => one,
    );
    expect(patterns.length).toBeGreaterThan(0);
    expect(patterns.filter((one) => /\\p\{/iu.test(one ?? ''))).toEqual([]);
  });

  it('knows the ids in paths, of things too that are listed and not shown', () => {
    const path = paths['/api/v1/auth/sessions/{id}']?.['delete']?.parameters.find(({ name }) => name === 'id');
    const isValid = new Ajv2020({ strict: false }).compile(path?.schema ?? false);
    expect([newId('session'), newId('user'), 'x'].map((id) => isValid(id))).toEqual([true, false, false]);
  });
});
