import type { JsonSchema as Schema } from '@payflow/contracts';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly style?: 'deepObject';
  readonly schema: Schema;
  readonly example?: string;
}

export interface MediaType {
  readonly schema: Schema;
  readonly example?: unknown;
}

export interface Answer {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean; readonly schema: Schema }>>;
  readonly content?: Readonly<Record<string, MediaType>>;
}

/** One operation, its references to parameters, answers and headers resolved; those to schemas stay. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly isOpen: boolean;
  readonly parameters: readonly Parameter[];
  readonly body: MediaType | undefined;
  /** Whether there must be one. */
  readonly isBodyRequired: boolean;
  readonly answers: Readonly<Record<string, Answer>>;
}

export interface ApiDocument {
  readonly json: object;
  readonly operations: readonly Operation[];
  readonly schemas: Readonly<Record<string, Schema>>;
}

interface Described {
  readonly operationId: string;
  readonly security?: readonly object[];
  readonly parameters?: readonly object[];
  readonly requestBody?: { readonly content: Readonly<Record<string, MediaType>>; readonly required?: boolean };
  readonly responses: Readonly<Record<string, Answer | { readonly $ref: string }>>;
}

/** The document that a gateway serves of itself. */
export async function readDocument(base: string): Promise<ApiDocument> {
  const answer = await fetch(`${base}/docs/openapi.json`);
  if (answer.status !== 200) throw new Error(`/docs/openapi.json answered ${answer.status}`);
  return parseDocument((await answer.json()) as object);
}

function parseDocument(json: object): ApiDocument {
  const { paths, components } = json as {
    readonly paths: Record<string, Record<string, Described>>;
    readonly components: { readonly schemas: Record<string, Schema> };
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]): Operation => {
      const { operationId: id, security, parameters = [], requestBody, responses } = described;
      return {
        id,
        method: method.toUpperCase(),
        path,
        isOpen: security?.length === 0,
        parameters: parameters.map((one) => resolved<Parameter>(json, one)),
        body: requestBody?.content['application/json'],
        isBodyRequired: requestBody?.required === true,
        answers: Object.fromEntries(
          Object.entries(responses).map(([status, answer]) => [status, answerOf(json, resolved<Answer>(json, answer))]),
        ),
      };
    }),
  );
  return { json, operations, schemas: components.schemas };
}

function answerOf(json: object, { headers = {}, ...answer }: Answer): Answer {
  const named = Object.entries(headers).map(([name, header]) => [name, resolved(json, header)]);
  return { ...answer, headers: Object.fromEntries(named) as NonNullable<Answer['headers']> };
}

function resolved<T>(json: object, thing: object): T {
  const { $ref } = thing as { readonly $ref?: string };
  if ($ref === undefined) return thing as T;
  return $ref
    .split('/')
    .slice(1)
    .reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], json) as T;
}

/** Media types in which it is answered, beside JSON. */
export function formsOf({ answers }: Operation): readonly string[] {
  const types = Object.entries(answers).flatMap(([status, { content = {} }]) =>
    Number(status) < 300 ? Object.keys(content) : [],
  );
  return [...new Set(types)].filter((type) => type !== 'application/json');
}

/** The schema itself where it is only named. */
export function schemaOf(document: ApiDocument, schema: Schema): Schema {
  return schema.$ref === undefined ? schema : resolved<Schema>(document.json, schema);
}

/** All scopes that a key can have. */
export function scopesIn({ schemas }: ApiDocument): readonly string[] {
  return schemas['ApiKeyRequest']?.properties?.['scopes']?.items?.enum as string[];
}
