import { MONTH_PATTERN } from '@payflow/contracts';
import { API_VERSION, API_VERSIONS } from '../../domain/api-version.js';
import { ROWS_WITHIN_MAX } from '../../database/rows-within.js';
import { PAYMENT_EXPANSIONS } from '../payments/payment-expansion.js';
import { isVersioned, needsNoCredential, type Operation } from './operation.js';
import { amount, basis, instant, text } from './schema-parts.js';
import { SCHEMAS } from './schemas.js';

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, Schema>>;
}
type Schema = ObjectSchema & { readonly anyOf?: readonly Schema[]; readonly items?: { readonly $ref?: string } };

const VISIBLE_ASCII = '^[\\x21-\\x7e]{1,255}$';
const ENTITY_TAG = '^(\\*|(W/)?"[0-9]{1,15}")$';
/** Of a filter by a member of an object, as the requests take it. */
const MEMBER_LENGTH_MAX = 500;

/** Headers that requests may have, by the name under which the document refers to them. */
export const HEADER_PARAMETERS: Readonly<Record<string, object>> = {
  RequestId: {
    name: 'Request-Id',
    in: 'header',
    description: 'Kept where it is a plain token, else replaced; the answer has it.',
    schema: text,
  },
  PayFlowVersion: {
    name: 'PayFlow-Version',
    in: 'header',
    description: `The version of the API to answer in; that of the key where it is absent, and ${API_VERSION} for who has none.`,
    schema: { enum: API_VERSIONS },
  },
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: true,
    description: 'New for each intent, repeated for each retry: one key has one effect and one answer.',
    schema: { type: 'string', pattern: VISIBLE_ASCII },
    example: 'order-1042-payment',
  },
  Prefer: {
    name: 'Prefer',
    in: 'header',
    description: '`wait=N`: seconds to wait for the outcome, 0 to 10; 2 where it is absent. Others are passed over.',
    schema: { type: 'string' },
    example: 'wait=5',
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    description:
      'The ETag that it must still have, else 412: that of a GET, or `W/"…"` around the `version` of an answer.',
    schema: { type: 'string', pattern: ENTITY_TAG },
  },
  IfMatchRequired: {
    name: 'If-Match',
    in: 'header',
    required: true,
    description:
      'The ETag that it must still have, else 412: that of a GET, or `W/"…"` around the `version` of an answer. Or `*`, for whatever is there.',
    schema: { type: 'string', pattern: ENTITY_TAG },
    example: '*',
  },
  IfNoneMatch: {
    name: 'If-None-Match',
    in: 'header',
    description: 'The ETag of the copy that the caller has: 304 where it still stands. What is none is passed over.',
    schema: text,
  },
};

const LIMIT = {
  type: 'integer',
  minimum: 1,
  maximum: 200,
  default: 50,
  description: 'At most so many. A page may hold fewer though another follows: `next_cursor` alone tells the end.',
};
const CURSOR = { ...text, description: '`next_cursor` of the page before, with the same filters.' };
/** Parameters that mean the same wherever they stand. */
const WELL_KNOWN: Readonly<Record<string, object>> = {
  limit: LIMIT,
  cursor: CURSOR,
  as_of: instant,
  from: instant,
  to: instant,
  basis,
  path: { type: 'string', pattern: VISIBLE_ASCII },
  expand: {
    type: 'string',
    pattern: `^(${PAYMENT_EXPANSIONS.join('|')})(,(${PAYMENT_EXPANSIONS.join('|')}))*$`,
    description: `Names with commas between them. Of each the newest ${ROWS_WITHIN_MAX} of a payment are shown, oldest first: \`GET /refunds\` and \`GET /captures\` with \`payment\` tell all, \`GET /transfers\` all that went by steps. A page of payments ends early where what they have is much.`,
  },
};

/** Everything that an operation is told beside its body. */
export function parametersOf(operation: Operation, all: readonly Operation[]): object[] {
  const { path, query = [], scope } = operation;
  const inPath = namesIn(path).map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: pathSchema(path, name, all),
  }));
  const common = ['RequestId', 'PayFlowVersion'].map(headerReference);
  if (needsNoCredential({ scope })) return [...inPath, ...common];
  const inQuery = query.map((name) => queryParameter(name, operation));
  return [...inPath, ...inQuery, ...headersOf(operation).map(headerReference), ...common];
}

function headersOf(operation: Operation): string[] {
  const { method, conditional, own } = operation;
  if (method === 'get') return isVersioned(operation) ? ['IfNoneMatch'] : [];
  const ifMatch = method === 'patch' || method === 'put' ? ['IfMatchRequired'] : conditional ? ['IfMatch'] : [];
  return ['IdempotencyKey', ...(own ? [] : ['Prefer']), ...ifMatch];
}

function headerReference(name: string): object {
  return { $ref: `#/components/parameters/${name}` };
}

export function namesIn(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string);
}

/** An id in a path is that of the resource that is read under this path, or of those that are listed above it. */
function pathSchema(path: string, name: string, all: readonly Operation[]): object {
  if (name === 'month') return { type: 'string', pattern: MONTH_PATTERN };
  const at = path.slice(0, path.indexOf(`{${name}}`) + name.length + 2);
  const read = all.find((one) => one.method === 'get' && one.path === at);
  const list = all.find((one) => one.method === 'get' && `${one.path}/{${name}}` === at);
  const { properties = {} } = read || !list ? schemaNamed(read?.answer) : itemOf(list);
  return properties['id'] ?? { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' };
}

function queryParameter(name: string, operation: Operation): object {
  const required = operation.requiredQuery?.includes(name) ? { required: true } : {};
  const own = operation.querySchemas?.[name];
  if (!name.endsWith('[*]'))
    return { name, in: 'query', ...required, schema: own ?? querySchema(name, itemOf(operation)) };
  const schema = { type: 'object', additionalProperties: { type: 'string', maxLength: MEMBER_LENGTH_MAX } };
  return { name: name.slice(0, -'[*]'.length), in: 'query', style: 'deepObject', explode: true, schema };
}

/** A filter takes what the things that it filters have under its name. */
function querySchema(name: string, { properties = {} }: ObjectSchema): object {
  const [, of] = /^(\w+)\[\w+\]$/.exec(name) ?? [];
  if (of === 'created') return instant;
  if (of === 'amount') return amount;
  const property = properties[name];
  return WELL_KNOWN[name] ?? (property ? withoutNull(property) : text);
}

function withoutNull(schema: Schema): object {
  const { type } = schema as { readonly type?: unknown };
  if (Array.isArray(type)) return { ...schema, type: 'string' };
  return schema.anyOf?.find((one) => (one as { type?: string }).type !== 'null') ?? schema;
}

function itemOf({ answer }: Operation): ObjectSchema {
  const { properties } = schemaNamed(answer);
  const item = properties?.['data']?.items?.$ref?.split('/').at(-1);
  return item === undefined ? schemaNamed(answer) : schemaNamed(item);
}

function schemaNamed(name: string | undefined): ObjectSchema {
  return (name === undefined ? {} : (SCHEMAS[name] ?? {})) as ObjectSchema;
}
