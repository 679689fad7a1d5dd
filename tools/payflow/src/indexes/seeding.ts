import type { Client } from 'pg';
import type { Seed } from './index-use.js';

interface Column {
  readonly name: string;
  readonly type: string;
  readonly isNeeded: boolean;
}

/** What a column holds that nobody has said anything of, by its type. */
const BY_TYPE: Readonly<Record<string, string>> = {
  uuid: "('00000000-0000-7000-9000-' || lpad(to_hex(n::bigint), 12, '0'))::uuid",
  'timestamp with time zone': 'now()',
  boolean: 'false',
  bigint: 'n',
  integer: 'n',
  smallint: '1',
  text: "'t' || n",
  bytea: "decode(lpad(to_hex(n::bigint), 64, '0'), 'hex')",
  json: "'{}'",
  jsonb: "'{}'",
  date: 'current_date',
  'text[]': "'{}'",
};

/** Made anew when the rows are there, partitions' with their whole: that takes a fraction of the time. */
const INDEXES = `
  select c.relname as name, replace(pg_get_indexdef(c.oid), ' ON ONLY ', ' ON ') as definition
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where i.indrelid = $1::regclass and not exists (select from pg_constraint k where k.conindid = i.indexrelid)`;

/**
 * Fills tables with rows that never were, to see how they are read: as a superuser, without triggers, and without those checks
 * that a made-up row cannot pass.
 */
export async function seedTables(admin: Client, seeds: Readonly<Record<string, Seed>>, rows: number): Promise<void> {
  await admin.query('set session_replication_role = replica');
  for (const [table, seed] of Object.entries(seeds)) await seedTable(admin, table, seed, rows);
  await admin.query('set session_replication_role = default');
}

async function seedTable(admin: Client, table: string, seed: Seed, rows: number): Promise<void> {
  const { rows: checks } = await admin.query<{ name: string }>(
    `select conname as name from pg_constraint where conrelid = $1::regclass and contype in ('c', 'f')`,
    [table],
  );
  for (const { name } of checks) await admin.query(`alter table ${table} drop constraint ${name}`);
  const columns = (await columnsOf(admin, table)).filter(({ name, isNeeded }) => isNeeded || name in seed);
  const values = columns.map(({ name, type }) => seed[name] ?? BY_TYPE[type] ?? unknownType(table, name, type));
  const select = values.map((value) => value.replaceAll('$rows', String(rows))).join(', ');
  const { rows: indexes } = await admin.query<{ name: string; definition: string }>(INDEXES, [table]);
  for (const { name } of indexes) await admin.query(`drop index ${name}`);
  await admin.query(
    `insert into ${table} (${columns.map(({ name }) => name).join(', ')})
     select ${select} from generate_series(1, ${rows}) as n on conflict do nothing`,
  );
  for (const { definition } of indexes) await admin.query(definition);
  await admin.query(`vacuum analyze ${table}`);
}

async function columnsOf(admin: Client, table: string): Promise<Column[]> {
  const { rows } = await admin.query<Column>(
    `select attname as name, format_type(atttypid, null) as type, attnotnull and not atthasdef and attidentity = '' as "isNeeded"
     from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [table],
  );
  return rows;
}

function unknownType(table: string, column: string, type: string): never {
  throw new Error(`nothing is said of ${table}.${column}, a ${type}`);
}
