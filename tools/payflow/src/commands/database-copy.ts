import { randomBytes } from 'node:crypto';
import { realIndexes, sqlState, tryOut, type Advice } from '@payflow/database';
import { Client, escapeIdentifier } from 'pg';

const OBJECT_IN_USE = '55006';
/** Names end at 63 bytes, and the copy's has an ending of its own. */
const NAME_LENGTH_KEPT = 45;

/**
 * Tries indexes out on a copy of the database that lives as long as this takes. Postgres copies only what nobody is connected to:
 * a restored backup, or a service that is stopped. The role in POSTGRES_URL makes the copy and drops it.
 */
export async function tryOutOnCopy(url: string, advices: readonly Advice[]): Promise<readonly Advice[]> {
  if (!advices.some(({ candidate }) => candidate)) return advices;
  const adminUrl = process.env['POSTGRES_URL'];
  if (!adminUrl) throw new Error('POSTGRES_URL is not set: --try-out needs a role that may copy a database');
  const database = decodeURIComponent(new URL(url).pathname.slice(1));
  const copy = `${database.slice(0, NAME_LENGTH_KEPT)}_copy_${randomBytes(4).toString('hex')}`;
  return withClient(adminUrl, async (admin) => {
    await makeCopy(admin, database, copy);
    try {
      const copyUrl = Object.assign(new URL(adminUrl), { pathname: `/${copy}` }).toString();
      return await withClient(copyUrl, (client) => tryOut(client, advices, realIndexes(client)));
    } finally {
      await admin.query(`drop database if exists ${escapeIdentifier(copy)} with (force)`);
    }
  });
}

async function makeCopy(admin: Client, database: string, copy: string): Promise<void> {
  try {
    await admin.query(`create database ${escapeIdentifier(copy)} template ${escapeIdentifier(database)}`);
  } catch (error) {
    if (sqlState(error) !== OBJECT_IN_USE) throw error;
    throw new Error(
      `${database} cannot be copied while somebody is connected to it: stop its service, or run this on a restored backup`,
      { cause: error },
    );
  }
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, application_name: 'payflow-cli' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
