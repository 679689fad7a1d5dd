import { escapeIdentifier, type Client } from 'pg';
import { sqlState } from '../errors.js';

/** Apart from the service's tables: what the server counts is nobody's data, and in no dump of the schema. */
const SCHEMA = 'statistics';
const EXTENSION = 'pg_stat_statements';

/** The schema that the extension is in, or undefined where the database does not have it. */
export async function statisticsSchema(client: Pick<Client, 'query'>): Promise<string | undefined> {
  const { rows } = await client.query<{ schema: string }>(
    `select n.nspname as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = '${EXTENSION}'`,
  );
  return rows[0]?.schema;
}

/**
 * Has the server count the statements of this database, for `roles` to see their own: a role that is not told of others' texts
 * sees no password in one. Returns why it cannot be had, as whoever sets up should be told; everything else works without.
 */
export async function provideStatistics(admin: Client, roles: readonly string[]): Promise<string | undefined> {
  try {
    if ((await statisticsSchema(admin)) === undefined) {
      // One text is one transaction: a schema with nothing in it is not left behind.
      await admin.query(
        `create schema if not exists ${SCHEMA}; create extension if not exists ${EXTENSION} schema ${SCHEMA}`,
      );
    }
    const schema = (await statisticsSchema(admin)) ?? SCHEMA;
    await grantUsage(admin, schema, roles);
    await admin.query(`select from ${escapeIdentifier(schema)}.${EXTENSION} limit 1`);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Where somebody else has made the extension, that may be done already, and be nothing that we may do. */
async function grantUsage(admin: Client, schema: string, roles: readonly string[]): Promise<void> {
  const { rows } = await admin.query<{ role: string }>(
    `select role from unnest($2::text[]) as role where not has_schema_privilege(role, $1, 'usage')`,
    [schema, roles],
  );
  for (const { role } of rows)
    await admin.query(`grant usage on schema ${escapeIdentifier(schema)} to ${escapeIdentifier(role)}`);
}

const REASONS: Readonly<Record<string, string>> = {
  '42501': `the role in POSTGRES_URL may not create the extension ${EXTENSION}: a superuser can`,
  '0A000': `the server does not have the extension ${EXTENSION}: its package is postgresql-contrib`,
  '58P01': `the server does not have the extension ${EXTENSION}: its package is postgresql-contrib`,
  '55000': `the server was started without shared_preload_libraries = '${EXTENSION}'`,
};

function reasonOf(error: unknown): string {
  const reason = REASONS[sqlState(error) ?? ''];
  if (!reason) throw error;
  return reason;
}
