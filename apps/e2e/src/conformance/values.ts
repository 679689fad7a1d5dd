import type { JsonSchema as Schema } from '@payflow/contracts';
import fc, { type Arbitrary } from 'fast-check';
import { schemaOf, type ApiDocument } from './document.js';

/** Of what is unbounded, as much as still tells something. */
const TEXT_LENGTH_MAX = 40;
const ITEMS_MAX = 3;
const KNOWN_MAX = 300;
const ASSETS = ['USD', 'EUR', 'JPY', 'BTC'];
/** Times around now, since most others are refused for what they are. */
const DAYS_AROUND = 40;
const DAY_MS = 86_400_000;
const SUMS = fc.integer({ min: 1, max: 1_000 }).map(String);
const BIG_SUMS = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String);

/** Ids and other texts that have been seen in answers, by the pattern that they follow. */
export class Known {
  readonly #first = new Map<string, string[]>();
  readonly #byPattern = new Map<string, string[]>();

  /**
   * `patterns`: of ids, as the document has them. `first`: of what is there from the beginning and makes sense together; every
   * second one picked is one of these. `never`: what must not be changed, as the key that is asked with.
   */
  constructor(
    private readonly patterns: readonly string[],
    first: readonly string[],
    private readonly never: ReadonlySet<string>,
  ) {
    for (const text of first) this.#keep(this.#first, text);
  }

  /** Takes up every id in an answer. */
  learn(value: unknown): void {
    if (typeof value === 'string') this.#learnText(value);
    else if (typeof value === 'object' && value !== null) for (const member of Object.values(value)) this.learn(member);
  }

  /** One of those seen, or undefined. */
  pick(pattern: string, at: number): string | undefined {
    const texts = at % 2 === 0 ? this.#first.get(pattern) : undefined;
    const chosen = texts ?? this.#byPattern.get(pattern) ?? this.#first.get(pattern);
    return chosen?.[(at >> 1) % chosen.length];
  }

  /** Another of its kind, where it is an id. */
  like(text: string, at: number): string {
    const pattern = this.#patternOf(text);
    return (pattern === undefined ? undefined : this.pick(pattern, at)) ?? text;
  }

  #learnText(text: string): void {
    if (!this.never.has(text)) this.#keep(this.#byPattern, text);
  }

  #keep(kept: Map<string, string[]>, text: string): void {
    const pattern = this.#patternOf(text);
    if (pattern === undefined) return;
    const texts = kept.get(pattern) ?? [];
    kept.set(pattern, texts);
    if (texts.includes(text)) return;
    if (texts.length < KNOWN_MAX) texts.push(text);
    else texts[Math.floor(Math.random() * KNOWN_MAX)] = text;
  }

  #patternOf(text: string): string | undefined {
    return text.includes('_') ? this.patterns.find((one) => new RegExp(one).test(text)) : undefined;
  }
}

/** Makes values that are as a schema says. */
export class Values {
  constructor(
    private readonly document: ApiDocument,
    private readonly known: Known,
  ) {}

  /** The example with other ids and sums in it: more often than not it makes sense. */
  like(example: unknown, name = ''): Arbitrary<unknown> {
    if (/(^|_)amount$/.test(name)) return SUMS;
    if (typeof example === 'string')
      return fc.oneof(
        fc.constant(example),
        fc.nat().map((at) => this.known.like(example, at)),
      );
    if (Array.isArray(example)) return fc.tuple(...example.map((one) => this.like(one, name)));
    if (typeof example !== 'object' || example === null) return fc.constant(example);
    return fc.record(Object.fromEntries(Object.entries(example).map(([one, member]) => [one, this.like(member, one)])));
  }

  of(schema: Schema, name = ''): Arbitrary<unknown> {
    const { enum: choices, type } = schema;
    if (schema['x-item']) return this.of(schema['x-item'], name);
    if (schema.$ref !== undefined) return this.of(schemaOf(this.document, schema), name);
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (choices) return fc.constantFrom(...choices);
    // Beside members they only say which of them go together.
    const options = schema.properties ? undefined : (schema.oneOf ?? schema.anyOf);
    if (options) return fc.oneof(...options.map((one) => this.of(one, name)));
    if (typeof type === 'object') return fc.oneof(...type.map((one) => this.of({ ...schema, type: one }, name)));
    switch (type) {
      case 'string':
        return this.#text(schema, name);
      case 'integer':
      case 'number':
        return fc.integer({ min: schema.minimum ?? -1_000, max: Math.min(schema.maximum ?? 1_000, 2 ** 31 - 1) });
      case 'boolean':
        return fc.boolean();
      case 'null':
        return fc.constant(null);
      case 'array':
        return this.#array(schema, name);
      default:
        return this.#object(schema);
    }
  }

  #text({ pattern, format, minLength = 0, maxLength = TEXT_LENGTH_MAX }: Schema, name: string): Arbitrary<string> {
    if (/(^|_)amount$/.test(name)) return fc.oneof({ weight: 4, arbitrary: SUMS }, { weight: 1, arbitrary: BIG_SUMS });
    if (pattern !== undefined) {
      const made = fc.stringMatching(new RegExp(pattern, 'u'), { size: 'small' });
      const seen = fc.nat().map((at) => this.known.pick(pattern, at));
      return fc
        .oneof({ weight: 4, arbitrary: seen }, { weight: 1, arbitrary: made })
        .chain((text) => (text === undefined ? made : fc.constant(text)));
    }
    if (format === 'date-time' || name.endsWith('_at')) return instant();
    if (name.endsWith('asset')) return fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...ASSETS) }, plain(1, 12));
    return plain(minLength, Math.min(maxLength, TEXT_LENGTH_MAX));
  }

  #array({ items = {}, minItems = 0, maxItems = ITEMS_MAX }: Schema, name: string): Arbitrary<unknown[]> {
    return fc.array(this.of(items, name), {
      minLength: minItems,
      maxLength: Math.max(minItems, Math.min(maxItems, ITEMS_MAX)),
    });
  }

  #object(schema: Schema): Arbitrary<object> {
    const { properties = {}, required = [], additionalProperties, propertyNames = {} } = schema;
    const members = Object.fromEntries(
      Object.entries(properties).map(([name, member]) => [name, this.of(member, name)]),
    );
    const requiredKeys = required.filter((one) => Object.hasOwn(members, one));
    const least = fc.record(Object.fromEntries(requiredKeys.map((one) => [one, members[one] as Arbitrary<unknown>])));
    // What must be there alone makes sense more often than all that may be there together.
    const record = fc.oneof(least, fc.record(members, { requiredKeys }));
    const { minProperties = 0 } = schema;
    if (typeof additionalProperties !== 'object')
      return minProperties === 0 ? record : record.filter((made) => Object.keys(made).length >= minProperties);
    const names = this.#text({ minLength: 1, maxLength: 16, ...propertyNames }, '');
    const keys = { minKeys: minProperties, maxKeys: Math.max(minProperties, ITEMS_MAX), noNullPrototype: true };
    const more = fc.dictionary(names, this.of(additionalProperties), keys);
    return fc.tuple(more, record).map(([others, own]) => ({ ...others, ...own }));
  }
}

function instant(): Arbitrary<string> {
  const now = Date.now();
  return fc
    .date({ min: new Date(now - DAYS_AROUND * DAY_MS), max: new Date(now + DAYS_AROUND * DAY_MS), noInvalidDate: true })
    .map((date) => date.toISOString());
}

/** Text as people and programs write it: of any script, but nothing that JSON must not hold. */
function plain(minLength: number, maxLength: number): Arbitrary<string> {
  return fc
    .string({ unit: 'binary', minLength, maxLength })
    .filter((text) => !text.includes('\0') && !/\p{Surrogate}/u.test(text) && text !== '__proto__')
    .map((text) => (text.length > maxLength ? 'x'.repeat(Math.max(1, minLength)) : text));
}
