import { MEMBER_WORDS } from './member-words.js';

type Schema = Readonly<Record<string, unknown>>;

const LISTS: ReadonlySet<string> = new Set(['anyOf', 'oneOf', 'allOf']);
const NESTED: ReadonlySet<string> = new Set(['items', 'additionalProperties', 'x-item']);

/** The schema of this name with words for every member that has none of its own. */
export function described(schema: unknown, name: string): unknown {
  return told(schema, { within: name, isAsked: name.endsWith('Request') });
}

/** The member that it stands in, or the schema; and whether it is asked for, or shown. */
interface Place {
  readonly within: string;
  readonly isAsked: boolean;
}

function told(schema: unknown, place: Place): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]) => {
      if (keyword === 'properties') return [keyword, ofMembers(value as Schema, place)];
      if (NESTED.has(keyword)) return [keyword, told(value, place)];
      if (LISTS.has(keyword)) return [keyword, (value as unknown[]).map((one) => told(one, place))];
      return [keyword, value];
    }),
  );
}

function ofMembers(properties: Schema, place: Place): Schema {
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [
      name,
      withWords(told(schema, { ...place, within: name }), name, place),
    ]),
  );
}

function withWords(schema: unknown, name: string, { within, isAsked }: Place): unknown {
  if (typeof schema !== 'object' || schema === null || 'description' in schema) return schema;
  const asked = isAsked ? MEMBER_WORDS[`Request.${name}`] : undefined;
  const words = MEMBER_WORDS[`${within}.${name}`] ?? asked ?? MEMBER_WORDS[name];
  return words === undefined ? schema : { ...schema, description: words };
}
