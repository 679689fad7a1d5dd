import { API_VERSION } from '../../domain/api-version.js';
import { ANSWER_HEADERS, answersOf, problemExamples } from './answers.js';
import { described } from './described.js';
import { Examples } from './examples.js';
import { needsNoCredential, type Operation } from './operation.js';
import { canDoWithoutBody } from './optional-body.js';
import { OPERATIONS } from './operations.js';
import { HEADER_PARAMETERS, parametersOf } from './parameters.js';
import { SCHEMAS } from './schemas.js';
import { SharedAnswers } from './shared-answers.js';
import { tagOf, tagsOf } from './tags.js';

const examples = new Examples();

/** The OpenAPI 3.1 document of the API. */
export function openApiDocument(): object {
  const paths: Record<string, Record<string, object>> = {};
  const answers = new Map(OPERATIONS.map((operation) => [operation, answersOf(operation, examples)]));
  const shared = new SharedAnswers([...answers.values()]);
  for (const [operation, own] of answers) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation, shared.in(own)) };
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
    tags: tagsOf(OPERATIONS),
    paths,
    components: {
      securitySchemes: {
        apiKey: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key, `sk_test_…` or `sk_live_…`, or the access token of a login, `at_…`.',
        },
      },
      parameters: HEADER_PARAMETERS,
      headers: ANSWER_HEADERS,
      responses: shared.all,
      examples: problemExamples(OPERATIONS),
      schemas: Object.fromEntries(Object.entries(SCHEMAS).map(([name, schema]) => [name, described(schema, name)])),
    },
  };
}

function describe(operation: Operation, responses: object): object {
  return {
    operationId: operation.id,
    tags: [tagOf(operation)],
    summary: operation.summary,
    description: accessOf(operation.scope),
    ...(needsNoCredential(operation) ? { security: [] } : {}),
    parameters: parametersOf(operation, OPERATIONS).map((parameter) => withExample(operation, parameter)),
    ...(operation.body
      ? { requestBody: { required: !canDoWithoutBody(operation), content: bodyOf(operation, operation.body) } }
      : {}),
    responses,
  };
}

function accessOf(scope: Operation['scope']): string {
  if (scope === 'signature') return 'No key: the provider signs what it sends.';
  if (scope === 'open') return 'No credential: this gives one.';
  return scope === 'any' ? 'Any valid credential.' : `Needs the scope \`${scope}\`.`;
}

function withExample(operation: Operation, parameter: object): object {
  const {
    name,
    in: place,
    schema,
  } = parameter as {
    readonly name?: string;
    readonly in?: string;
    readonly schema?: { readonly type?: string };
  };
  if (name === undefined || (place !== 'path' && place !== 'query')) return parameter;
  const example = examples.parameterOf(operation, place, name);
  if (example === undefined) return parameter;
  return { ...parameter, example: schema?.type === 'integer' ? parseInt(example, 10) : example };
}

function bodyOf(operation: Operation, schema: string): object {
  const { bodyForms = [] } = operation;
  return {
    'application/json': {
      schema: { $ref: `#/components/schemas/${schema}` },
      example: examples.requestOf(operation),
    },
    ...Object.fromEntries(bodyForms.map((form) => [form, { schema: { type: 'string' } }])),
  };
}
