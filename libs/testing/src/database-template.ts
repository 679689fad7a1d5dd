import { createHash } from 'node:crypto';
import { dropProvisioned, provisionDatabase, runMigrations, type ProvisionedDatabase } from '@payflow/database';
import { Client } from 'pg';

export type Migrations = Parameters<typeof runMigrations>[1];
export type DatabaseUrls = Omit<ProvisionedDatabase, 'uncounted'>;

export const PASSWORDS = { migrator: 'migrator-password', service: 'service-password', reader: 'reader-password' };

const templates = new Map<string, Promise<string>>();

/**
 * The name of the migrated database that copies are made of, and of its service's role. Who wants it first makes it, and the
 * others wait; nobody connects to it.
 */
export function templateOf(adminUrl: string, service: string, migrations: Migrations): Promise<string> {
  const prefix = `template_${fingerprint(migrations)}`;
  const name = `${prefix}_${service}`;
  const known = templates.get(name) ?? withClient(adminUrl, ensureTemplate);
  templates.set(name, known);
  // Files that come later in this process try again.
  known.catch(() => templates.delete(name));
  return known;

  async function ensureTemplate(admin: Client): Promise<string> {
    await admin.query('select pg_advisory_lock(hashtext($1))', [name]);
    const { rows } = await admin.query('select from pg_database where datname = $1 and datistemplate', [name]);
    if (rows.length > 0) return name;
    // What a run that was ended has left half made is made anew.
    await dropProvisioned(adminUrl, name);
    const { ownerUrl } = await provisionDatabase(adminUrl, service, PASSWORDS, prefix);
    await runMigrations(ownerUrl, migrations);
    await admin.query(`alter database ${name} is_template true allow_connections false`);
    return name;
  }
}

/** A copy of the template, for the template's roles. What holds for their connections is said of a database, and not copied. */
export async function copyTemplate(adminUrl: string, template: string, name: string): Promise<DatabaseUrls> {
  const [owner, migrator, reader] = ['owner', 'migrator', 'reader'].map((role) => `${template}_${role}`);
  await withClient(adminUrl, async (admin) => {
    await admin.query(`create database ${name} template ${template} owner ${owner}`);
    await admin.query(`alter role ${migrator} in database ${name} set role = ${owner}`);
    await admin.query(`alter role ${reader} in database ${name} set default_transaction_read_only = on`);
  });
  const url = (username = '', password: string) =>
    Object.assign(new URL(adminUrl), { pathname: `/${name}`, username, password }).toString();
  return {
    url: url(template, PASSWORDS.service),
    ownerUrl: url(migrator, PASSWORDS.migrator),
    readerUrl: url(reader, PASSWORDS.reader),
  };
}

export async function dropCopy(adminUrl: string, name: string): Promise<void> {
  await withClient(adminUrl, (admin) => admin.query(`drop database if exists ${name} with (force)`));
}

/** Migrations that were changed and not renamed are others. */
function fingerprint(migrations: Migrations): string {
  const texts = migrations.map((step) => (typeof step === 'function' ? [String(step), new step()] : step));
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 10);
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
