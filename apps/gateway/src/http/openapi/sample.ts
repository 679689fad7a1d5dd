import { ID_PREFIXES, idPattern, type IdKind, type JsonSchema as Schema } from '@payflow/contracts';
import { SCHEMAS } from './schemas.js';

const SUFFIX = '01m7yg4jr5ezm9ym0cwhese7x1';
const IDS = new Map(
  (Object.keys(ID_PREFIXES) as IdKind[]).map((kind) => [idPattern(kind), `${ID_PREFIXES[kind]}_${SUFFIX}`]),
);
const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2026-11-20T12:00:00.000Z',
  date: '2026-11-20',
  uri: 'https://acquirer.example/3ds',
  'uri-reference': '/docs/errors#not_found',
};
/** One of these fits every other pattern in use; where none does, the spec of this file says so. */
const TOKEN = 'x'.repeat(43);
const TEXTS = [
  ...['1999', 'USD', '2026-11', 'card_capture', 'a'.repeat(64), '$total', '1/2', 'users:*:wallet', 'W/"3"'],
  ...[`rt_${TOKEN}`, `inv_${TOKEN}`, 'ada@example.com'],
];

/** A thing as a schema describes it, every member there and the same each time: for what nobody has played. */
export function sampleOf(name: string): unknown {
  return sampled(SCHEMAS[name] as Schema);
}

function sampled(schema: Schema, name = ''): unknown {
  if (schema['x-item']) return sampled(schema['x-item']);
  if (schema.$ref !== undefined) return sampleOf(schema.$ref.split('/').at(-1) ?? '');
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.examples) return schema.examples[0];
  // Beside members, choices only say which of them go together.
  const [choice] = schema.properties ? [] : (schema.oneOf ?? schema.anyOf ?? []);
  if (choice) return sampled(choice);
  switch (Array.isArray(schema.type) ? schema.type[0] : schema.type) {
    case 'string':
      return sampledText(schema, name);
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return true;
    case 'array':
      return schema.items
        ? Array.from({ length: Math.max(1, schema.minItems ?? 0) }, () => sampled(schema.items as Schema))
        : [];
    default:
      return sampledObject(schema);
  }
}

function sampledText({ format, pattern, minLength = 0 }: Schema, name: string): string {
  if (format !== undefined && FORMATS[format] !== undefined) return FORMATS[format];
  if (pattern === undefined) return name.endsWith('asset') ? 'USD' : 'text'.padEnd(minLength, 'x');
  return IDS.get(pattern) ?? TEXTS.find((text) => new RegExp(pattern, 'u').test(text)) ?? 'text';
}

/** What must be there, and of what may be as much as there must be of anything. */
function sampledObject({ properties = {}, required = [], minProperties = 0, ...schema }: Schema): object {
  const [choice] = schema.anyOf ?? schema.oneOf ?? [];
  const names = new Set([...required, ...(choice?.required ?? [])]);
  for (const name of Object.keys(properties)) if (names.size < minProperties) names.add(name);
  const members = Object.entries(properties).filter(([name]) => names.has(name));
  const made = Object.fromEntries(members.map(([name, member]) => [name, sampled(member, name)]));
  const { additionalProperties: more } = schema;
  return members.length < minProperties && typeof more === 'object' ? { ...made, statement: sampled(more) } : made;
}
