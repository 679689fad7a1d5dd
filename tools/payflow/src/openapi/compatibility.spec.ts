import type { JsonSchema as Schema } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { breakingChanges } from './compatibility.js';

const TEXT = { type: 'string' };
const THING: Schema = { type: 'object', required: ['id', 'sum'], properties: { id: TEXT, sum: TEXT } };
const REQUEST: Schema = { ...THING, required: ['id'], additionalProperties: false };

/** A document of one operation that takes and gives these. */
function document({
  request = REQUEST,
  bodyRequired = true,
  answer = THING,
  parameters = [] as object[],
  status = '201',
} = {}): object {
  const content = (schema: Schema) => ({ content: { 'application/json': { schema } } });
  const post = {
    operationId: 'make',
    parameters,
    requestBody: { required: bodyRequired, ...content({ $ref: '#/components/schemas/Request' }) },
    responses: { [status]: content({ $ref: '#/components/schemas/Thing' }), 400: content({}) },
  };
  return { paths: { '/things': { post } }, components: { schemas: { Request: request, Thing: answer } } };
}
const query = (schema: Schema, required = false) => ({ name: 'kind', in: 'query', required, schema });

const changes = (old: Parameters<typeof document>[0], now: Parameters<typeof document>[0]) =>
  breakingChanges(document(old), document(now));

describe('what breaks', () => {
  it.each<[string, Parameters<typeof document>[0], Parameters<typeof document>[0]]>([
    ['a member that must be given now', {}, { request: { ...REQUEST, required: ['id', 'sum'] } }],
    ['a body that must be given now', { bodyRequired: false }, {}],
    ['a member that is taken no more', {}, { request: { ...REQUEST, properties: { id: TEXT } } }],
    ['a member of another type', {}, { request: { ...REQUEST, properties: { id: TEXT, sum: { type: 'integer' } } } }],
    ['a word that is taken no more', { request: { enum: ['a', 'b'] } }, { request: { enum: ['a'] } }],
    ['words where anything was taken', { request: {} }, { request: { enum: ['a'] } }],
    ['a shorter text', { request: { type: 'string' } }, { request: { type: 'string', maxLength: 3 } as Schema }],
    ['another pattern', { request: { pattern: '^a' } }, { request: { pattern: '^b' } }],
    ['an answer without a member', {}, { answer: { ...THING, required: ['id'], properties: { id: TEXT } } }],
    ['an answer whose member may be absent', {}, { answer: { ...THING, required: ['id'] } }],
    [
      'an answer whose member may be null',
      {},
      { answer: { ...THING, properties: { id: TEXT, sum: { type: ['string', 'null'] } } } },
    ],
    ['another word that always stood there', { answer: { const: 'a' } }, { answer: { const: 'b' } }],
    ['another choice of answers', { answer: { anyOf: [TEXT] } }, { answer: { anyOf: [TEXT, { type: 'null' }] } }],
    ['a status that does not come any more', {}, { status: '200' }],
    ['a parameter that must be given', {}, { parameters: [query(TEXT, true)] }],
    ['a parameter that must be given now', { parameters: [query(TEXT)] }, { parameters: [query(TEXT, true)] }],
    ['a parameter that is gone', { parameters: [query(TEXT)] }, {}],
    ['a parameter that takes fewer words', { parameters: [query(TEXT)] }, { parameters: [query({ enum: ['a'] })] }],
  ])('%s', (_what, old, now) => {
    expect(changes(old, now)).toHaveLength(1);
    expect(changes(now, now)).toEqual([]);
  });

  it('an operation that is gone', () => {
    expect(breakingChanges(document(), { paths: {} })).toEqual(['POST /things: is gone']);
  });
});

describe('what is referred to', () => {
  const made = (schema: Schema) => ({ content: { 'application/json': { schema } } });
  const parameter = query(TEXT);
  /** The same operation, all that it takes and gives standing elsewhere, under these names. */
  const referring = (schema: Schema, names = { answer: 'Made', body: 'Wanted', parameter: 'Kind' }) => ({
    paths: {
      '/things': {
        post: {
          operationId: 'make',
          parameters: [{ $ref: `#/components/parameters/${names.parameter}` }],
          requestBody: { $ref: `#/components/requestBodies/${names.body}` },
          responses: { 201: { $ref: `#/components/responses/${names.answer}` }, 400: made({}) },
        },
      },
    },
    components: {
      parameters: { [names.parameter]: parameter },
      requestBodies: { [names.body]: { required: true, ...made(REQUEST) } },
      responses: { [names.answer]: made(schema) },
    },
  });
  const plain = document({ parameters: [parameter] });

  it('is as if it stood there, under whatever name', () => {
    const other = { answer: 'Created', body: 'Asked', parameter: 'OfKind' };
    expect(breakingChanges(plain, referring(THING))).toEqual([]);
    expect(breakingChanges(referring(THING), plain)).toEqual([]);
    expect(breakingChanges(referring(THING), referring(THING, other))).toEqual([]);
  });

  it('breaks where the answer that is meant has lost a member, or is not there', () => {
    const fewer = { ...THING, required: ['id'], properties: { id: TEXT } };
    const lost = ['POST /things 201/sum: is gone'];
    expect(breakingChanges(plain, referring(fewer))).toEqual(lost);
    expect(breakingChanges(referring(THING), document({ parameters: [parameter], answer: fewer }))).toEqual(lost);
    expect(breakingChanges(referring(THING), referring(fewer))).toEqual(lost);
    const { paths } = referring(THING);
    expect(breakingChanges(referring(THING), { ...referring(THING), paths, components: {} })).toContain(
      'POST /things 201 application/json: is gone',
    );
  });
});

describe('an answer to who asks for it', () => {
  const OTHER: Schema = { type: 'object', required: ['guess'], properties: { guess: TEXT } };
  const asked = { ...OTHER, 'x-asked-for-by': 'dry_run' } as Schema;

  it('is met by nobody else', () => {
    expect(changes({}, { answer: { oneOf: [THING, asked] } })).toEqual([]);
    expect(changes({}, { answer: { oneOf: [asked, THING] } })).toEqual([]);
  });

  it('hides nothing that breaks beside it, or in it', () => {
    const fewer = { ...THING, required: ['id'] };
    expect(changes({}, { answer: { oneOf: [fewer, asked] } })).toEqual(['POST /things 201/sum: may be absent now']);
    expect(changes({}, { answer: { oneOf: [THING, OTHER] } })).not.toEqual([]);
    expect(changes({}, { answer: { oneOf: [asked] } })).not.toEqual([]);
    const lost = { ...asked, required: [], properties: {} } as Schema;
    const choice = 'POST /things 201: is another choice';
    expect(changes({ answer: { oneOf: [THING, asked] } }, { answer: { oneOf: [THING, lost] } })).toEqual([choice]);
  });
});

describe('what only adds', () => {
  it.each<[string, Parameters<typeof document>[0], Parameters<typeof document>[0]]>([
    [
      'a member that need not be given',
      {},
      { request: { ...REQUEST, properties: { ...REQUEST.properties, note: TEXT } } },
    ],
    ['a member that may be left out now', {}, { request: { ...REQUEST, required: [] } }],
    ['a word more that is taken', { request: { enum: ['a'] } }, { request: { enum: ['a', 'b'] } }],
    ['a longer text', { request: { maxLength: 3 } as Schema }, { request: { maxLength: 4 } as Schema }],
    ['null where text was taken', { request: TEXT }, { request: { type: ['string', 'null'] } }],
    ['a member more of an answer', {}, { answer: { ...THING, properties: { ...THING.properties, note: TEXT } } }],
    ['a member that is always there now', {}, { answer: { ...THING, required: ['id', 'sum'] } }],
    ['a word more that is given', { answer: { enum: ['a'] } }, { answer: { enum: ['a', 'b'] } }],
    ['a choice less of answers', { answer: { anyOf: [TEXT, { type: 'null' }] } }, { answer: { anyOf: [TEXT] } }],
    ['a choice more of requests', { request: { anyOf: [TEXT] } }, { request: { anyOf: [TEXT, { type: 'null' }] } }],
    ['a parameter that need not be given', {}, { parameters: [query(TEXT)] }],
  ])('%s', (_what, old, now) => {
    expect(changes(old, now)).toEqual([]);
  });

  it('an operation more', () => {
    expect(breakingChanges({ paths: {} }, document())).toEqual([]);
  });

  it('nothing, of a thing that holds things of its kind', () => {
    const tree: Schema = {
      type: 'object',
      properties: { parts: { type: 'array', items: { $ref: '#/components/schemas/Thing' } } },
    };
    expect(changes({ answer: tree }, { answer: tree })).toEqual([]);
  });
});
