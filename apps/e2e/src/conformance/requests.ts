import { randomUUID } from 'node:crypto';
import type { JsonSchema as Schema } from '@payflow/contracts';
import fc, { type Arbitrary } from 'fast-check';
import { formsOf, schemaOf, type ApiDocument, type Operation, type Parameter } from './document.js';
import type { Played } from './example-player.js';
import type { Judge } from './judge.js';
import { versionFor, type Asked } from './request.js';
import type { Values } from './values.js';

/** A request, and whether something is wrong with it that must be noticed. */
export interface Tried {
  readonly asked: Asked;
  /** What is wrong, where the document says that it is. */
  readonly flaw?: string;
  /** What the answer must be, where it is noticed before anything else could be: `401 unauthenticated`. */
  readonly expected?: string;
}

/** What stands in the place of a member, and mostly must not. */
const NASTY: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 2 ** 53, 1e21, '', ' ', '0', '-1', '1e3', '0x10', '007', ' 12 '],
  ...[
    '1,000',
    '１００',
    '٣',
    '9223372036854775808',
    'usd',
    'a b',
    '\u200f',
    'x'.repeat(5_000),
    "';drop table payments",
  ],
  ...[
    'acct_0000000000400080000000000g',
    'pay_',
    '2026-02-30T00:00:00Z',
    '+275761-01-01T00:00:00Z',
    '2026-01-01T00:00:00',
  ],
  ...[[], {}, [null], { $gt: 0 }, { a: { b: { c: {} } } }, Array.from({ length: 1_001 }, () => 'x')],
];
const HEADER_TEXTS = fc.stringMatching(/^[\x21-\x7e]([\x20-\x7e]{0,40}[\x21-\x7e])?$/);
const ENTITY_TAGS = fc.integer({ min: 1, max: 5 }).map((version) => `W/"${version}"`);
const TOGETHER_MAX = 2;
const UNKNOWN_MEMBER = 'zz_unknown';
const NASTY_TEXTS = NASTY.filter((one): one is string => typeof one === 'string' && one !== '');

/** Makes requests to the operations of a document. */
export class Requests {
  constructor(
    private readonly document: ApiDocument,
    private readonly values: Values,
    private readonly judge: Judge,
    private readonly stage: {
      readonly keyFor: (operation: Operation) => string;
      readonly played: ReadonlyMap<string, Played>;
    },
  ) {}

  /** Requests that are as the document says; not all of them make sense. */
  valid(operation: Operation): Arbitrary<Tried> {
    const named = (place: Parameter['in']) => operation.parameters.filter((one) => one.in === place);
    const body = this.#body(operation);
    const headers = named('header').filter(
      ({ name }) => !/^(Idempotency-Key|Prefer|Request-Id|PayFlow-Version)$/.test(name),
    );
    // A cursor is not made up, but taken from a page.
    const query = named('query').filter(({ name }) => name !== 'cursor');
    return fc
      .tuple(this.#path(operation), this.#some(query), this.#some(headers), body, fc.boolean(), accepted(operation))
      .map(([path, query, others, json, isPatient, accept]) => ({
        asked: {
          path: texts(path),
          query: Object.entries({ ...pageIn(operation, accept), ...query }).flatMap(([name, value]) =>
            spelled(name, value),
          ),
          headers: { ...this.#headers(operation, texts(others), isPatient), ...accept },
          body: json,
        },
      }));
  }

  /** Requests with one thing that the document does not allow. */
  flawed(operation: Operation): Arbitrary<Tried> {
    return this.valid(operation).chain(({ asked }) =>
      fc.oneof(...this.#flaws(operation, asked)).filter(({ flaw }) => flaw !== undefined),
    );
  }

  /** Made of the schemas, or that of a thing that is there. */
  #path({ id, parameters }: Operation): Arbitrary<Record<string, unknown>> {
    const made = this.#some(parameters.filter((one) => one.in === 'path'));
    const seen = this.stage.played.get(id)?.request.path;
    return seen ? fc.oneof({ weight: 4, arbitrary: made }, { weight: 1, arbitrary: fc.constant(seen) }) : made;
  }

  /** All that are required, and a few of the others: of many together one is mostly not allowed beside another. */
  #some(parameters: readonly Parameter[]): Arbitrary<Record<string, unknown>> {
    const required = parameters.filter((one) => one.required);
    const optional = parameters.filter((one) => !one.required);
    return fc
      .subarray(optional, { maxLength: Math.min(optional.length, TOGETHER_MAX) })
      .chain((chosen) =>
        fc.record(Object.fromEntries([...required, ...chosen].map((one) => [one.name, this.#of(one)]))),
      );
  }

  #of({ schema, name, example, in: place }: Parameter): Arbitrary<unknown> {
    // A header may be any text that a header can be, or the tag of a version.
    if (place === 'header' && schema.pattern === undefined) return fc.oneof(HEADER_TEXTS, ENTITY_TAGS);
    const made = this.values.of(schema, name);
    return example === undefined ? made : fc.oneof(made, this.values.like(example));
  }

  /** Made of the schema, or like one that was done. */
  #body({ id, body }: Operation): Arbitrary<unknown> {
    if (!body) return fc.constant(undefined);
    const made = this.values.of(body.schema);
    const example = this.stage.played.get(id)?.request.body ?? body.example;
    return example === undefined ? made : fc.oneof(made, this.values.like(example));
  }

  #headers(operation: Operation, others: Record<string, string>, isPatient: boolean): Record<string, string> {
    const isTaken = (header: string) => operation.parameters.some(({ name }) => name === header);
    return {
      ...(others['If-Match'] === undefined ? versionFor(operation) : {}),
      ...others,
      ...(operation.isOpen ? {} : { authorization: `Bearer ${this.stage.keyFor(operation)}` }),
      ...(operation.body ? { 'content-type': 'application/json' } : {}),
      ...(isTaken('Idempotency-Key') ? { 'idempotency-key': randomUUID() } : {}),
      ...(isTaken('Prefer') ? { prefer: isPatient ? 'wait=1' : 'wait=0' } : {}),
    };
  }

  #flaws(operation: Operation, asked: Asked): Arbitrary<Tried>[] {
    const flaws = [fc.constantFrom(...this.#headerFlaws(operation, asked))];
    if (!operation.isOpen) flaws.push(this.#queryFlaw(operation, asked));
    if (Object.keys(asked.path).length > 0) flaws.push(this.#pathFlaw(operation, asked));
    const { body, isBodyRequired } = operation;
    if (!body || operation.isOpen) return flaws;
    const ofBody = this.#bodyFlaw(body.schema, asked);
    return [...flaws, ofBody, ofBody, ofBody, fc.constantFrom(...textFlaws(asked, isBodyRequired))];
  }

  #headerFlaws({ isOpen, parameters, body }: Operation, asked: Asked): Tried[] {
    const withHeader = (name: string, text: string | undefined, expected?: string): Tried => {
      const others = Object.fromEntries(Object.entries(asked.headers).filter(([one]) => one !== name));
      const headers = text === undefined ? others : { ...others, [name]: text };
      return { asked: { ...asked, headers }, flaw: `${name}: ${text}`, ...(expected ? { expected } : {}) };
    };
    const version = (date: string) => withHeader('payflow-version', date, '400 invalid_header');
    const flaws = [version('2020-01-01'), version('2999-01-01'), version('latest')];
    if (isOpen) return flaws;
    for (const credential of [undefined, 'Bearer nobody', 'Basic YTpi', `Bearer sk_test_${'x'.repeat(32)}`])
      flaws.push(withHeader('authorization', credential, '401 unauthenticated'));
    if (body) flaws.push(withHeader('content-type', 'text/plain'));
    const isAsked = (asked.body as { readonly dry_run?: boolean } | undefined)?.dry_run === true;
    const isTaken = (header: string) => parameters.some(({ name }) => name === header);
    // Who has nothing to wait for does not look at it.
    if (isTaken('Prefer')) flaws.push(withHeader('prefer', 'wait=11'));
    if (!isTaken('Idempotency-Key')) return flaws;
    if (!isAsked) flaws.push(withHeader('idempotency-key', undefined));
    return [...flaws, withHeader('idempotency-key', 'a b'), withHeader('idempotency-key', 'x'.repeat(256))];
  }

  #queryFlaw(operation: Operation, asked: Asked): Arbitrary<Tried> {
    const named = operation.parameters.filter(({ in: place, style }) => place === 'query' && style === undefined);
    const unknown = { asked: withQuery(asked, UNKNOWN_MEMBER, 'x'), flaw: 'an unknown parameter' };
    const twice = named.slice(0, 1).map(({ name }): Tried => {
      const query = [...asked.query.filter(([one]) => one !== name), [name, '1'], [name, '2']] as const;
      return { asked: { ...asked, query }, flaw: `${name} twice` };
    });
    const other = fc.tuple(fc.nat(), fc.constantFrom(...NASTY_TEXTS)).map(([at, text]): Tried => {
      const parameter = named[at % Math.max(1, named.length)];
      if (!parameter || this.judge.isValid(parameter.schema, typed(parameter.schema, text))) return unknown;
      return { asked: withQuery(asked, parameter.name, text), flaw: `${parameter.name}=${text.slice(0, 40)}` };
    });
    return fc.oneof(fc.constant(unknown), other, ...twice.map((one) => fc.constant(one)));
  }

  #pathFlaw(operation: Operation, asked: Asked): Arbitrary<Tried> {
    const [parameter] = operation.parameters.filter(({ in: place }) => place === 'path');
    return fc.constantFrom(...NASTY_TEXTS).map((text): Tried => {
      const { name = '', schema = {} } = parameter ?? {};
      const isFine = this.judge.isValid(schema, text);
      return {
        asked: { ...asked, path: { ...asked.path, [name]: text } },
        ...(isFine ? {} : { flaw: `the id ${text.slice(0, 40)}` }),
      };
    });
  }

  /** One member left out, too many, or other than it may be: at any depth. */
  #bodyFlaw(schema: Schema, asked: Asked): Arbitrary<Tried> {
    const places = placesIn(asked.body);
    return fc.tuple(fc.constantFrom(...places), fc.nat({ max: NASTY.length + 1 })).map(([place, at]): Tried => {
      const body = changed(asked.body, place, at);
      const isFlawed = !this.judge.isValid(schemaOf(this.document, schema), body);
      return { asked: { ...asked, body }, ...(isFlawed ? { flaw: `/${place.join('/')} changed (${at})` } : {}) };
    });
  }
}

/** One of the forms in which it is answered, or none in particular. */
function accepted(operation: Operation): Arbitrary<Record<string, string>> {
  return fc.constantFrom({}, ...formsOf(operation).map((accept) => ({ accept })));
}

/** A page of a list: all that everybody before has made would be carried away hundreds of times. */
function pageIn({ parameters }: Operation, { accept }: Record<string, string>): Record<string, string> {
  return accept && parameters.some(({ name }) => name === 'limit') ? { limit: '20' } : {};
}

/** What is no JSON object, or one that must not be read. */
function textFlaws(asked: Asked, isBodyRequired: boolean): Tried[] {
  const whole = JSON.stringify(asked.body);
  const raws: [raw: string, flaw: string][] = [
    [whole.slice(0, -1), 'cut short'],
    [`\ufeff${whole}`, 'with a byte order mark'],
    [`{"__proto__":{},${whole.slice(1)}`, 'with __proto__'],
    [`{"a":1,"a":2}`, 'with a key twice'],
    [`{"a":"\\u0000"}`, 'with NUL'],
    [`{"a":"\\ud800"}`, 'with a lone surrogate'],
    ['['.repeat(20_000), 'deep'],
    ['[]', 'an array'],
    ['"x"', 'a string'],
    ['null', 'null'],
    ['7', 'a number'],
  ];
  // An empty one is as good as none.
  const empty = { asked: { ...asked, raw: '' }, ...(isBodyRequired ? { flaw: 'empty' } : {}) };
  return [empty, ...raws.map(([raw, flaw]) => ({ asked: { ...asked, raw }, flaw }))];
}

/** The ways to all members of a value. */
function placesIn(value: unknown, to: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [to];
  return [to, ...Object.entries(value).flatMap(([name, member]) => placesIn(member, [...to, name]))];
}

function changed(value: unknown, [name, ...rest]: readonly string[], at: number): unknown {
  if (name === undefined) return nastyFor(value, at);
  if (Array.isArray(value)) return value.map((one, index) => (String(index) === name ? changed(one, rest, at) : one));
  const { [name]: member, ...others } = value as Record<string, unknown>;
  // Left out, or other than it was.
  return rest.length === 0 && at === NASTY.length ? others : { ...others, [name]: changed(member, rest, at) };
}

function nastyFor(value: unknown, at: number): unknown {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (at >= NASTY.length) return isObject ? { ...value, [UNKNOWN_MEMBER]: 1 } : value;
  return isObject && at % 2 === 0 ? { ...value, [UNKNOWN_MEMBER]: NASTY[at] } : NASTY[at];
}

function withQuery(asked: Asked, name: string, text: string): Asked {
  return { ...asked, query: [...asked.query.filter(([one]) => one !== name), [name, text]] };
}

function typed({ type }: Schema, text: string): unknown {
  return type === 'integer' && /^-?[0-9]{1,15}$/.test(text) ? Number(text) : text;
}

function texts(values: object): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

function spelled(name: string, value: unknown): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[name, String(value)]];
  return Object.entries(value).map(([member, text]) => [`${name}[${member}]`, String(text)]);
}
