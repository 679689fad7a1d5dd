import { PROBLEMS, type ProblemCode } from '@payflow/contracts';
import { problemExample } from './problem-examples.js';
import type { Examples } from './examples.js';
import { namesIn } from './parameters.js';
import { BOTH_FORMS, isVersioned, needsNoCredential, type Operation } from './operation.js';

/** Problems that any operation with a credential can answer with. */
const COMMON_PROBLEMS: readonly ProblemCode[] = [
  'unauthenticated',
  'forbidden',
  'address_blocked',
  'credential_blocked',
  'address_not_allowed',
  'rate_limited',
  'overloaded',
  'invalid_http',
  'invalid_header',
  'invalid_parameter',
  'card_data_not_accepted',
  'headers_too_large',
  'internal',
  'unavailable',
  'database_busy',
];
/** What a body can be refused with before it is read. */
const BODY_PROBLEMS: readonly ProblemCode[] = ['payload_too_large', 'unsupported_media_type', 'request_timeout'];
const PATH_PROBLEMS: readonly ProblemCode[] = ['uri_too_long', 'not_found'];
/** Nothing that a caller who needs no key could be told. */
const OF_KEYS: ReadonlySet<ProblemCode> = new Set([
  'unauthenticated',
  'forbidden',
  'credential_blocked',
  'address_not_allowed',
]);

/** What can be refused before it has been read, or while it is: then nothing but the problem is told. */
const UNREAD: ReadonlySet<number> = new Set([400, 408, 414, 431]);
/** Before the name of a header that every answer has: there unless the request was refused unread. */
const IF_READ = 'IfRead';

const text = { type: 'string' };

/** What every answer has, unless the request was refused unread. */
const OF_EVERY_ANSWER = {
  RequestId: { description: 'Under which the request is found again.', schema: text },
  PayFlowVersion: { description: 'The version of the API that answers.', schema: text },
  RateLimit: {
    description:
      'How many requests are left, `r`, and in how many seconds all are again, `t`: of the limit that is nearest.',
    schema: text,
  },
  RateLimitPolicy: { description: 'The limits that count the request: `q` requests in `w` seconds.', schema: text },
  Traceparent: { description: 'The trace of the request, as W3C Trace Context has it.', schema: text },
} as const satisfies Readonly<Record<string, object>>;
const EVERY = Object.keys(OF_EVERY_ANSWER);

/** Headers of answers, by the name under which the document refers to them. */
export const ANSWER_HEADERS: Readonly<Record<string, object>> = {
  ...Object.fromEntries(Object.entries(OF_EVERY_ANSWER).map(([name, header]) => [name, { required: true, ...header }])),
  ...Object.fromEntries(Object.entries(OF_EVERY_ANSWER).map(([name, header]) => [`${IF_READ}${name}`, header])),
  PayFlowViewLag: {
    description: 'How far what is shown is behind, milliseconds: said where that is over a second.',
    schema: { type: 'integer', minimum: 1_001 },
  },
  ETag: { description: 'Of the version shown: for If-None-Match and If-Match.', schema: text },
  Location: {
    required: true,
    description: 'Where it can be read; after a 202 where the outcome will be.',
    schema: text,
  },
  IdempotencyReplayed: { description: '`true` on the answer to a copy of a request that was answered.', schema: text },
  PreferenceApplied: { description: 'How long was waited, where the request said how long.', schema: text },
  Link: { description: 'The next page, in forms that have no place for it.', schema: text },
  Age: { description: 'How old the answer is, seconds.', schema: { type: 'integer', minimum: 0 } },
  CacheControl: { description: 'What may be kept of the answer.', schema: text },
  RetryAfter: { description: 'When to come again, seconds.', schema: { type: 'integer', minimum: 0 } },
  WwwAuthenticate: { description: 'How to show who asks.', schema: text },
};
const NAMES: Readonly<Record<string, string>> = {
  RequestId: 'Request-Id',
  PayFlowVersion: 'PayFlow-Version',
  RateLimitPolicy: 'RateLimit-Policy',
  Traceparent: 'traceparent',
  PayFlowViewLag: 'PayFlow-View-Lag',
  IdempotencyReplayed: 'Idempotency-Replayed',
  PreferenceApplied: 'Preference-Applied',
  CacheControl: 'Cache-Control',
  RetryAfter: 'Retry-After',
  WwwAuthenticate: 'WWW-Authenticate',
};

/** Everything that an operation can answer, by status. */
export function answersOf(operation: Operation, examples: Examples): Record<string, object> {
  return { ...successes(operation, examples), ...refusals(problemsOf(operation)) };
}

/** The codes that any operation with a credential can answer with under a status, whether or not it has a body or a path of its own. */
export function ofAnyOperation(status: number): ProblemCode[] {
  return COMMON_PROBLEMS.filter((code) => PROBLEMS[code].status === status);
}

/** The codes of all problems that an operation can answer with. */
export function problemsOf({ problems, path, body, scope }: Operation): ProblemCode[] {
  const all = [
    ...problems,
    ...COMMON_PROBLEMS.filter((code) => !needsNoCredential({ scope }) || !OF_KEYS.has(code)),
    ...(body ? BODY_PROBLEMS : []),
    ...(namesIn(path).length > 0 ? PATH_PROBLEMS : []),
  ];
  return [...new Set(all)].sort();
}

function successes(operation: Operation, examples: Examples): Record<string, object> {
  const { method, answer, status, dryRun, own } = operation;
  if (answer === undefined)
    return {
      [status]: { description: own ? 'Done; nothing to say.' : 'Taken, or of no concern.', headers: headers() },
    };
  const content = (of: number, ...schemas: readonly string[]) =>
    contentOf(operation, schemas.length > 0 ? schemas : [answer], examples.answerOf(operation, of));
  const place = status === 201 ? ['Location'] : [];
  if (own || needsNoCredential(operation)) {
    // A user and a key are answered with their version; of what is accepted the body alone tells it, where it has one.
    const ofOwn = ['IdempotencyReplayed', ...place, ...(method === 'patch' || status === 201 ? ['ETag'] : [])];
    const told = headers(...(own ? ofOwn : ['CacheControl']));
    return { [status]: { description: status === 201 ? 'Made.' : 'Done.', headers: told, content: content(status) } };
  }
  if (method !== 'get') {
    const told = headers('IdempotencyReplayed', 'PreferenceApplied', ...place);
    const made = status === 201 ? 'Made, and final.' : 'Changed, and final.';
    const tried = 'What would come of it: nothing was made.';
    // Where what is meant is answered 200 as well, it is the one or the other.
    const isEither = dryRun !== undefined && status === 200;
    const done = {
      description: isEither ? `${made} With \`dry_run\`: what would come of it.` : made,
      headers: told,
      content: isEither ? content(status, answer, dryRun) : content(status),
    };
    return {
      ...(dryRun ? { 200: { description: tried, headers: headers(), content: content(200, dryRun) } } : {}),
      [status]: done,
      202: {
        description: operation.withoutPlace
          ? 'Durable; the same request again, under its key, tells the outcome.'
          : 'Durable; the outcome is to come, at `Location`.',
        headers: headers(...(operation.withoutPlace ? [] : ['Location']), 'PreferenceApplied'),
        content: content(202),
      },
    };
  }
  const forms = formsOf(operation).length > 0 ? ['Link'] : [];
  const kept = headers('Age', 'CacheControl', 'PayFlowViewLag', ...forms, ...(isVersioned(operation) ? ['ETag'] : []));
  return {
    [status]: { description: 'As it stands.', headers: kept, content: content(status) },
    ...(isVersioned(operation)
      ? { 304: { description: 'Unchanged.', headers: headers('ETag', 'Age', 'CacheControl', 'PayFlowViewLag') } }
      : {}),
  };
}

/** A list comes as lines and as records too, whoever reads it: all of it, where no `limit` is given. */
export function formsOf({ answer = '', forms, query = [] }: Operation): readonly string[] {
  return forms ?? (answer.endsWith('List') && query.includes('cursor') ? BOTH_FORMS : []);
}

function contentOf(operation: Operation, schemas: readonly string[], example: unknown): object {
  const references = schemas.map((schema) => ({ $ref: `#/components/schemas/${schema}` }));
  return {
    'application/json': {
      schema: references.length === 1 ? references[0] : { oneOf: references },
      ...(example === undefined ? {} : { example }),
    },
    ...Object.fromEntries(formsOf(operation).map((form) => [form, { schema: { type: 'string' } }])),
  };
}

function refusals(codes: readonly ProblemCode[]): Record<string, object> {
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code].status);
  return Object.fromEntries([...byStatus].map(([status, list]) => [status, refusal(status, list)]));
}

function refusal(status: number, codes: readonly ProblemCode[]): object {
  const more = { 401: ['WwwAuthenticate'], 409: ['RetryAfter'], 429: ['RetryAfter'], 503: ['RetryAfter'] }[status];
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join('\n'),
    headers: { ...(UNREAD.has(status) ? headersIfRead() : headers()), ...named(...(more ?? [])) },
    content: {
      'application/problem+json': {
        schema: {
          allOf: [
            { $ref: '#/components/schemas/Problem' },
            { type: 'object', properties: { status: { const: status }, code: { enum: codes } } },
          ],
        },
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

function headers(...names: readonly string[]): Record<string, object> {
  return named(...EVERY, ...names);
}

function headersIfRead(): Record<string, object> {
  return Object.fromEntries(EVERY.map((name) => [NAMES[name] ?? name, referenceTo(`${IF_READ}${name}`)]));
}

function named(...names: readonly string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [NAMES[name] ?? name, referenceTo(name)]));
}

function referenceTo(name: string): object {
  return { $ref: `#/components/headers/${name}` };
}

/** An example of every problem that an operation can answer with, by its code. */
export function problemExamples(operations: readonly Operation[]): Record<string, object> {
  const codes = [...new Set(operations.flatMap(problemsOf))].sort();
  return Object.fromEntries(
    codes.map((code) => [code, { summary: PROBLEMS[code].title, value: problemExample(code) }]),
  );
}
