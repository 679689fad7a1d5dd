import { readFileSync } from 'node:fs';
import { SERVICES, type Service } from '@payflow/contracts';
import { statementNamed } from '@payflow/database';
import type { IndexUse } from '../indexes/index-use.js';
import { INDEXES, SHARED_INDEXES } from '../indexes/registry.js';
import { indexesIn, keysIn, kindsOf, type SchemaIndex, type SchemaKey } from '../indexes/schema-indexes.js';

const schemaOf = (service: Service): string => readFileSync(`apps/${service}/src/database/schema.sql`, 'utf8');

/** Every index of every service, with the query that needs it. Throws for an index without a query, and for a use without its index. */
export function indexTable(): string {
  const shared = new Set(SHARED_INDEXES.uses.map(({ index }) => index));
  const own = (service: Service) => indexesIn(schemaOf(service)).filter(({ name }) => !shared.has(name));
  const common = indexesIn(schemaOf('monitoring')).filter(({ name }) => shared.has(name));
  const all = [...common, ...SERVICES.flatMap(own)];
  return [
    '# Indexes',
    '',
    'Generated from the schemas and from `tools/payflow/src/indexes`: do not edit. A test fails for an index that no query here needs, and for a query here that does not go by its index; `npm run bench -- indexes` looks at a million rows.',
    '',
    `${all.length} indexes beside the keys of tables, ${counted(all, 'partial')} of them partial, ${counted(all, 'unique')} unique, ${counted(all, 'composite')} on more than one column.`,
    ...section('In every database', common, SHARED_INDEXES.uses),
    ...SERVICES.flatMap((service) => section(service, own(service), INDEXES[service].uses)),
    ...keySection(),
    '',
  ].join('\n');
}

const counted = (indexes: readonly SchemaIndex[], kind: string): number =>
  indexes.filter((index) => kindsOf(index).includes(kind)).length;

function section(title: string, indexes: readonly SchemaIndex[], uses: readonly IndexUse[]): string[] {
  const unknown = uses.filter(({ index }) => !indexes.some(({ name }) => name === index));
  if (unknown.length > 0)
    throw new Error(`not in the schema of ${title}: ${unknown.map(({ index }) => index).join(', ')}`);
  if (indexes.length === 0) return [];
  const header = [
    '',
    `## ${title}`,
    '',
    '| index | table | kind | on | where | needed by |',
    '|---|---|---|---|---|---|',
  ];
  return [
    ...header,
    ...indexes.map((index) =>
      row(
        index,
        uses.filter((use) => use.index === index.name),
      ),
    ),
  ];
}

function row(index: SchemaIndex, uses: readonly IndexUse[]): string {
  if (uses.length === 0)
    throw new Error(`no query needs ${index.name}: say which in tools/payflow/src/indexes, or drop it`);
  const needed = uses.map(
    ({ query, values }) => `\`${statementNamed(query).name}\`${values ? '' : ', to refuse a second row'}`,
  );
  const columns = index.included === undefined ? index.columns : `${index.columns} include ${index.included}`;
  const cells = [
    index.name,
    index.table,
    kindsOf(index).join(', '),
    columns,
    index.condition ?? '',
    needed.join('<br>'),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** What says what a row is. In more than one database: told once. */
function keySection(): string[] {
  const keys = new Map<string, SchemaKey & { readonly services: string[] }>();
  for (const service of SERVICES)
    for (const key of keysIn(schemaOf(service))) {
      const id = `${key.table} ${key.columns}`;
      keys.set(id, { ...key, services: [...(keys.get(id)?.services ?? []), service] });
    }
  const rows = [...keys.values()].map(
    ({ table, isPrimary, columns, services }) =>
      `| ${table} | ${isPrimary ? 'primary' : 'unique'} | ${columns} | ${services.length === SERVICES.length ? 'every' : services.join(', ')} |`,
  );
  return [
    '',
    '## Keys',
    '',
    'They refuse a second row like another, and find one by what it is.',
    '',
    '| table | key | on | in the database of |',
    '|---|---|---|---|',
    ...rows,
  ];
}
