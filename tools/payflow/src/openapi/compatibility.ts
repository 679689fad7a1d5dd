import type { JsonSchema as Schema } from '@payflow/contracts';
import { resolved, SchemaChanges, type Documents, type Reference } from './schema-changes.js';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Body extends Content {
  readonly required?: boolean;
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly (Parameter | Reference)[];
  readonly requestBody?: Body | Reference;
  readonly responses: Readonly<Record<string, Content | Reference>>;
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

/**
 * What of an OpenAPI document would break a client that was written for an older one; empty where everything that is new only
 * adds: operations, parameters that need not be given, members of answers, words of their enumerations, problems.
 */
export function breakingChanges(old: object, now: object): string[] {
  const comparison = new Comparison({ old, now });
  return Object.entries((old as { readonly paths: Paths }).paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, was]) => {
      const is = (now as { readonly paths: Paths }).paths[path]?.[method];
      const name = `${method.toUpperCase()} ${path}`;
      return is ? comparison.ofOperation(was, is).map((one) => `${name} ${one}`) : [`${name}: is gone`];
    }),
  );
}

class Comparison {
  readonly #schemas: SchemaChanges;

  constructor(private readonly documents: Documents) {
    this.#schemas = new SchemaChanges(documents);
  }

  ofOperation(was: Operation, is: Operation): string[] {
    const renamed = was.operationId === is.operationId ? [] : [`: is called ${is.operationId}`];
    return [...renamed, ...this.#ofParameters(was, is), ...this.#ofBody(was, is), ...this.#ofAnswers(was, is)];
  }

  #ofParameters(was: Operation, is: Operation): string[] {
    const [old, now] = [parametersOf(this.documents.old, was), parametersOf(this.documents.now, is)];
    const found = [...old].flatMap(([key, parameter]) => {
      const kept = now.get(key);
      return kept ? this.#schemas.ofRequest(parameter.schema, kept.schema, key) : [`${key}: is gone`];
    });
    const demanded = [...now].filter(([key, { required }]) => required === true && old.get(key)?.required !== true);
    return [...found, ...demanded.map(([key]) => `${key}: is required now`)];
  }

  #ofBody({ requestBody: old }: Operation, { requestBody: now }: Operation): string[] {
    const was = old && resolved<Body>(this.documents.old, old);
    const is = now && resolved<Body>(this.documents.now, now);
    if (!was) return is?.required ? ['body: is required now'] : [];
    if (!is) return ['body: is gone'];
    const demanded = is.required && !was.required ? ['body: is required now'] : [];
    return [...demanded, ...this.#ofContent(was, is, 'body', (a, b, at) => this.#schemas.ofRequest(a, b, at))];
  }

  #ofAnswers({ responses: was }: Operation, { responses: is }: Operation): string[] {
    // What is refused is not promised: a refusal that cannot come any more breaks nobody.
    return Object.entries(was)
      .filter(([status]) => Number(status) < 400)
      .flatMap(([status, answer]) => {
        const kept = is[status];
        if (!kept) return [`${status}: is gone`];
        const [before, after] = [
          resolved<Content>(this.documents.old, answer),
          resolved<Content>(this.documents.now, kept),
        ];
        return this.#ofContent(before, after, status, (a, b, at) => this.#schemas.ofAnswer(a, b, at));
      });
  }

  #ofContent(was: Content, is: Content, at: string, compare: (a: Schema, b: Schema, at: string) => string[]): string[] {
    return Object.entries(was.content ?? {}).flatMap(([type, { schema }]) => {
      const kept = is.content?.[type];
      return kept ? compare(schema, kept.schema, at) : [`${at} ${type}: is gone`];
    });
  }
}

function parametersOf(document: object, { parameters = [] }: Operation): Map<string, Parameter> {
  const all = parameters.map((one) => resolved<Parameter>(document, one));
  return new Map(all.map((one) => [`${one.in} ${one.name}`, one]));
}
