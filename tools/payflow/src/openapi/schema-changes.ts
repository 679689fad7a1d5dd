import type { JsonSchema as Schema } from '@payflow/contracts';

/** A document as it was, and as it is. */
export interface Documents {
  readonly old: object;
  readonly now: object;
}

export interface Reference {
  readonly $ref: string;
}

/** Of a schema: the member of a request that asks for it. */
const ASKED_FOR = 'x-asked-for-by';
const UPPER = ['maxLength', 'maximum', 'maxItems', 'maxProperties'] as const;
const LOWER = ['minLength', 'minimum', 'minItems', 'minProperties'] as const;

/** Compares what is taken or given under a schema with what was. */
export class SchemaChanges {
  /** Pairs that are being compared: schemas may lead back to themselves. */
  readonly #open = new Set<string>();

  constructor(private readonly documents: Documents) {}

  /** Why something that was taken would be refused now. */
  ofRequest(old: Schema, now: Schema, at: string): string[] {
    return this.#within('taken', old, now, at, (was, is) => [
      ...(isWithin(typesOf(was), typesOf(is))
        ? []
        : [`${at}: takes ${shown(typesOf(is))}, and took ${shown(typesOf(was))}`]),
      ...narrowedValues(was, is, at),
      ...narrowedBounds(was, is, at),
      ...(is.required ?? [])
        .filter((one) => !was.required?.includes(one))
        .map((one) => `${at}/${one}: is required now`),
      ...this.#members(was, is, at, (a, b, place) => this.ofRequest(a, b, place)),
      ...(is.additionalProperties === false ? removedMembers(was, is, at) : []),
      ...this.#choices(was, is, at, 'taken'),
    ]);
  }

  /** Why somebody who read what was given could not read what is given now. New words of an enumeration can be read. */
  ofAnswer(old: Schema, now: Schema, at: string): string[] {
    return this.#within('given', old, now, at, (was, given) => this.#given(was, this.#unasked(was, given), at));
  }

  #given(was: Schema, is: Schema, at: string): string[] {
    return [
      ...(isWithin(typesOf(is), typesOf(was))
        ? []
        : [`${at}: gives ${shown(typesOf(is))}, and gave ${shown(typesOf(was))}`]),
      ...(was.const !== undefined && was.const !== is.const
        ? [`${at}: gives ${shown(is.const)}, and gave ${shown(was.const)}`]
        : []),
      ...(was.pattern === is.pattern && was.format === is.format ? [] : [`${at}: is written in another way`]),
      ...removedMembers(was, is, at),
      ...(was.required ?? [])
        .filter((one) => !is.required?.includes(one) && is.properties?.[one])
        .map((one) => `${at}/${one}: may be absent now`),
      ...this.#members(was, is, at, (a, b, place) => this.ofAnswer(a, b, place)),
      ...this.#choices(was, is, at, 'given'),
    ];
  }

  /** Where there was one answer, and others are now for who asks for them by a member of the request: what all others meet. */
  #unasked(was: Schema, is: Schema): Schema {
    if (choicesOf(was).length > 0) return is;
    const choices = choicesOf(is).map((one) => resolved(this.documents.now, one));
    const [only, ...others] = choices.filter((one) => !(ASKED_FOR in one));
    return only && others.length === 0 && choices.length > 1 ? only : is;
  }

  #within(way: string, old: Schema, now: Schema, at: string, compare: (was: Schema, is: Schema) => string[]): string[] {
    const pair = `${way} ${old.$ref} ${now.$ref}`;
    const isNamed = old.$ref !== undefined && now.$ref !== undefined;
    if (isNamed && this.#open.has(pair)) return [];
    this.#open.add(pair);
    const found = compare(resolved(this.documents.old, old), resolved(this.documents.now, now));
    this.#open.delete(pair);
    return found.map((one) => (one.startsWith('/') || one.startsWith(at) ? one : `${at}: ${one}`));
  }

  #members(was: Schema, is: Schema, at: string, compare: (a: Schema, b: Schema, place: string) => string[]): string[] {
    const both = Object.entries(was.properties ?? {}).filter(([name]) => is.properties?.[name]);
    const found = both.flatMap(([name, member]) => compare(member, is.properties?.[name] as Schema, `${at}/${name}`));
    return was.items && is.items ? [...found, ...compare(was.items, is.items, `${at}/*`)] : found;
  }

  /** Each way that there was is one that there is; or, of answers, the other way round. */
  #choices(was: Schema, is: Schema, at: string, way: 'taken' | 'given'): string[] {
    const [old, now] = [choicesOf(was), choicesOf(is)];
    if (old.length === 0 && now.length === 0) return [];
    const compared = (a: Schema, b: Schema) => (way === 'taken' ? this.ofRequest(a, b, at) : this.ofAnswer(a, b, at));
    const [must, may] = way === 'taken' ? [old, now] : [now, old];
    const isCovered = (one: Schema) =>
      may.some((other) => (way === 'taken' ? compared(one, other) : compared(other, one)).length === 0);
    return must.every(isCovered) ? [] : [`${at}: is another choice`];
  }
}

function choicesOf(schema: Schema): readonly Schema[] {
  const choices = schema.anyOf ?? schema.oneOf ?? [];
  // What was one thing, and is that or another, is a choice of one.
  return choices.length > 0 ? choices : [];
}

function narrowedValues(was: Schema, is: Schema, at: string): string[] {
  const now = is.enum ?? (is.const === undefined ? undefined : [is.const]);
  const before = was.enum ?? (was.const === undefined ? undefined : [was.const]);
  if (!now) return [];
  const lost = before?.filter((value) => !now.includes(value));
  if (!lost) return [`${at}: takes only ${shown(now)} now`];
  return lost.length > 0 ? [`${at}: takes ${shown(lost)} no more`] : [];
}

function narrowedBounds(was: Schema, is: Schema, at: string): string[] {
  const bound = (schema: Schema, name: string) => (schema as Record<string, number | undefined>)[name];
  const upper = UPPER.filter((name) => (bound(is, name) ?? Infinity) < (bound(was, name) ?? Infinity));
  const lower = LOWER.filter((name) => (bound(is, name) ?? -Infinity) > (bound(was, name) ?? -Infinity));
  const rewritten = is.pattern !== undefined && is.pattern !== was.pattern ? ['pattern'] : [];
  return [...upper, ...lower, ...rewritten].map((name) => `${at}: its ${name} takes less`);
}

function removedMembers(was: Schema, is: Schema, at: string): string[] {
  if (!was.properties) return [];
  const gone = Object.keys(was.properties).filter((name) => !is.properties || !Object.hasOwn(is.properties, name));
  return gone.map((name) => `${at}/${name}: is gone`);
}

function typesOf({ type, $ref: _ref, ...schema }: Schema): readonly string[] | undefined {
  if (type === undefined && (schema.anyOf ?? schema.oneOf ?? schema.allOf)) return undefined;
  return type === undefined ? undefined : [type].flat();
}

function isWithin(inner: readonly string[] | undefined, outer: readonly string[] | undefined): boolean {
  if (!outer) return true;
  return inner?.every((one) => outer.includes(one) || (one === 'integer' && outer.includes('number'))) ?? false;
}

/** What is meant: the thing itself, or what it refers to; nothing, where that is not there. */
export function resolved<T extends object>(document: object, thing: T | Reference): T {
  const { $ref } = thing as Partial<Reference>;
  if ($ref === undefined) return thing as T;
  const found = $ref
    .split('/')
    .slice(1)
    .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document);
  return resolved(document, (found ?? {}) as T);
}

function shown(value: unknown): string {
  return value === undefined ? 'anything' : JSON.stringify(value);
}
