import { describe, expect, it } from 'vitest';
import { described } from './described.js';
import { openApiDocument } from './document.js';
import { MEMBER_WORDS } from './member-words.js';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly description?: string;
  readonly $ref?: string;
}
const { schemas } = (openApiDocument() as { components: { schemas: Record<string, Schema> } }).components;

/** What is said of a schema; not what a condition looks at. */
function partsOf(schema: object): [string, unknown][] {
  return Object.entries(schema).filter(([keyword]) => keyword !== 'if');
}

/** Members, at any depth, of which nothing is said. */
function unsaid(place: string, value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { properties = {} } = value as Schema;
  const here = Object.entries(properties).flatMap(([name, member]) =>
    typeof member === 'object' && !member.$ref && !member.description ? [`${place}.${name}`] : [],
  );
  return [...here, ...partsOf(value).flatMap(([name, part]) => unsaid(`${place}.${name}`, part))];
}

describe('every member of a body and of a resource', () => {
  it.each(Object.entries(schemas))('%s is told in words', (name, schema) => {
    expect(unsaid(name, schema)).toEqual([]);
  });

  it('and nothing else is told', () => {
    const shown = JSON.stringify(schemas);
    const unused = Object.entries(MEMBER_WORDS).filter(([, words]) => !shown.includes(JSON.stringify(words)));
    expect(unused.map(([name]) => name)).toEqual([]);
  });

  it('is told by its own words first, then by its place, then by whether it is asked for, then by its name', () => {
    const text = { type: 'string' };
    const own = { ...text, description: 'Mine.' };
    const one = described(
      { properties: { id: text, amount: own, method: { properties: { type: text } } } },
      'XRequest',
    );
    expect(one).toMatchObject({
      properties: {
        id: { description: MEMBER_WORDS['Request.id'] },
        amount: { description: 'Mine.' },
        method: { properties: { type: { description: MEMBER_WORDS['method.type'] } } },
      },
    });
    expect(described({ properties: { id: text } }, 'X')).toMatchObject({
      properties: { id: { description: 'Its id.' } },
    });
  });
});
