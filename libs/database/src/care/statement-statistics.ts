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
      await admin.query(`create schema if not exists ${SCHEMA}`);
      await admin.query(`create extension if not exists ${EXTENSION} schema ${SCHEMA}`);
    }
    const schema = escapeIdentifier((await statisticsSchema(admin)) ?? SCHEMA);
    await admin.query(`grant usage on schema ${schema} to ${roles.map(escapeIdentifier).join(', ')}`);
    await admin.query(`select from ${schema}.${EXTENSION} limit 1`);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
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
