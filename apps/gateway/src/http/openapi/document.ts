import { PROBLEMS, type ProblemCode } from '@payflow/contracts';
import { API_VERSION } from '../api-version.js';
import type { Operation } from './operation.js';
import { OPERATIONS } from './operations.js';
import { SCHEMAS } from './schemas.js';

/** Problems that any operation can answer with. */
const COMMON_PROBLEMS: readonly ProblemCode[] = [
  'unauthenticated',
  'forbidden',
  'headers_too_large',
  'internal',
  'unavailable',
];

/** The OpenAPI 3.1 document of the API. */
export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'PayFlow',
      version: API_VERSION,
      description:
        'Every acknowledged payment is booked exactly once. The unversioned paths `/api/…` answer as `/api/v1/…`.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ apiKey: [] }],
    paths,
    components: {
      securitySchemes: {
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key, `sk_test_…` or `sk_live_…`, or the access token of a login, `at_…`.',
        },
      },
      schemas: SCHEMAS,
    },
  };
}

function describe(operation: Operation): object {
  return {
    operationId: operation.id,
    summary: operation.summary,
    description: accessOf(operation.scope),
    ...(needsNoCredential(operation) ? { security: [] } : {}),
    parameters: parameters(operation),
    ...(operation.body ? { requestBody: { required: !operation.isBodyOptional, content: json(operation.body) } } : {}),
    responses: { ...answers(operation), ...problems([...operation.problems, ...COMMON_PROBLEMS]) },
  };
}

function needsNoCredential({ scope }: Operation): boolean {
  return scope === 'signature' || scope === 'open';
}

function accessOf(scope: Operation['scope']): string {
  if (scope === 'signature') return 'No key: the provider signs what it sends.';
  if (scope === 'open') return 'No credential: this gives one.';
  return scope === 'any' ? 'Any valid credential.' : `Needs the scope \`${scope}\`.`;
}

const ETAG_PARAMETER = { in: 'header', schema: { type: 'string' } };
const IF_NONE_MATCH = { name: 'If-None-Match', ...ETAG_PARAMETER };
const IF_MATCH = { name: 'If-Match', ...ETAG_PARAMETER, description: 'The ETag it must still have.' };
const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: true,
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};
const PREFER = {
  name: 'Prefer',
  in: 'header',
  schema: { type: 'string', examples: ['wait=5'] },
  description: '`wait=N`: seconds to wait for the outcome, 0 to 10.',
};

function parameters(operation: Operation): object[] {
  const text = { type: 'string' };
  const named = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const inPath = named.map((name) => ({ name, in: 'path', required: true, schema: text }));
  if (needsNoCredential(operation)) return inPath;
  return [...inPath, ...(operation.query ?? []).map(queryParameter), ...headersOf(operation, named.length > 0)];
}

function headersOf({ method, computed, conditional, own }: Operation, isOfOne: boolean): object[] {
  if (method === 'get') return isOfOne && !computed ? [IF_NONE_MATCH] : [];
  const isConditional = conditional ?? (method === 'patch' || method === 'put');
  return [IDEMPOTENCY_KEY, ...(own ? [] : [PREFER]), ...(isConditional ? [IF_MATCH] : [])];
}

function queryParameter(name: string): object {
  const text = { type: 'string' };
  if (name === 'limit')
    return { name, in: 'query', schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 } };
  if (!name.endsWith('[*]')) return { name, in: 'query', schema: text };
  const members = { type: 'object', additionalProperties: text };
  return { name: name.slice(0, -'[*]'.length), in: 'query', style: 'deepObject', explode: true, schema: members };
}

function answers(operation: Operation): Record<string, object> {
  const { method, answer, status, path, computed, dryRun, own } = operation;
  if (answer === undefined)
    return { [status]: { description: own ? 'Done; nothing to say.' : 'Taken, or of no concern.' } };
  const content = json(answer);
  if (own || operation.scope === 'open')
    return { [status]: { description: status === 201 ? 'Made.' : 'Done.', content } };
  if (method !== 'get') {
    return {
      ...(dryRun ? { 200: { description: 'What would come of it: nothing was made.', content: json(dryRun) } } : {}),
      [status]: { description: status === 201 ? 'Made, and final.' : 'Changed, and final.', content },
      202: { description: 'Durable; the outcome is to come, at `Location`.', content },
    };
  }
  return {
    [status]: { description: 'As it stands.', content },
    ...(path.includes('{id}') && !computed ? { 304: { description: 'Unchanged.' } } : {}),
  };
}

function json(schema: string): object {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } };
}

function problems(codes: readonly ProblemCode[]): Record<string, object> {
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      status,
      {
        description: list.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join('\n'),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}
