import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { provideStatistics } from './care/statement-statistics.js';

export interface ProvisionedDatabase {
  /** For the service: reads and adds rows, changes those it has to, owns nothing. */
  readonly url: string;
  /** For migrations: logs in as the migrator, and all it does is done as the schema's owner. */
  readonly ownerUrl: string;
  /** For whoever looks on: reads, and nothing else. */
  readonly readerUrl: string;
  /** Why the server does not count this database's statements, where it does not: slow ones are then known from the log alone. */
  readonly uncounted: string | undefined;
}

/** Passwords of the roles that log in. */
export interface RolePasswords {
  readonly migrator: string;
  readonly service: string;
  readonly reader: string;
}

/**
 * Makes sure that a service has its database with four roles: `payflow_<service>_owner`, which owns the schema and cannot log
 * in; `…_migrator`, which may become it; `payflow_<service>`, which the service logs in as; and `…_reader`. What service
 * and reader may do is granted with the migrations. Safe to repeat, on databases of before the four roles too; passwords are
 * set anew. The role in `adminUrl` needs CREATEDB and CREATEROLE, and need not be a superuser.
 */
export async function provisionDatabase(
  adminUrl: string,
  service: string,
  passwords: RolePasswords,
  prefix = 'payflow',
): Promise<ProvisionedDatabase> {
  const database = `${prefix}_${service}`;
  const { owner, migrator, reader } = rolesOf(database);
  await withClient(adminUrl, async (admin) => {
    await ensureRole(admin, owner);
    await ensureRole(admin, migrator, passwords.migrator);
    await ensureRole(admin, database, passwords.service);
    await ensureRole(admin, reader, passwords.reader);
    await ensureDatabase(admin, database);
  });
  let uncounted: string | undefined;
  await withClient(urlFor(adminUrl, database), async (admin) => {
    await prepareSchema(admin, database);
    uncounted = await provideStatistics(admin, [database, owner, reader]);
  });
  return {
    url: urlFor(adminUrl, database, database, passwords.service),
    ownerUrl: urlFor(adminUrl, database, migrator, passwords.migrator),
    readerUrl: urlFor(adminUrl, database, reader, passwords.reader),
    uncounted,
  };
}

/** Drops what {@link provisionDatabase} made, whoever is connected to it. */
export async function dropProvisioned(adminUrl: string, database: string): Promise<void> {
  const { owner, migrator, reader } = rolesOf(database);
  await withClient(adminUrl, async (admin) => {
    await admin.query(`drop database if exists ${escapeIdentifier(database)} with (force)`);
    for (const role of [database, migrator, reader, owner])
      await admin.query(`drop role if exists ${escapeIdentifier(role)}`);
  });
}

function rolesOf(database: string) {
  return { owner: `${database}_owner`, migrator: `${database}_migrator`, reader: `${database}_reader` };
}

/**
 * Without a password it cannot log in. What a role is not made with it does not have: only a superuser may say so of one that is
 * there, and the service looks for itself at its start.
 */
async function ensureRole(admin: Client, role: string, password?: string): Promise<void> {
  const known = await admin.query('select from pg_roles where rolname = $1', [role]);
  const verb = known.rowCount ? 'alter' : 'create';
  const access = password === undefined ? 'nologin password null' : `login password ${escapeLiteral(password)}`;
  await admin.query(`${verb} role ${escapeIdentifier(role)} ${access}`);
}

async function ensureDatabase(admin: Client, database: string): Promise<void> {
  const roles = rolesOf(database);
  const [name, owner, migrator, reader] = [database, roles.owner, roles.migrator, roles.reader].map(escapeIdentifier);
  // CREATEROLE alone may not give a database to a role it is not a member of.
  await admin.query(`grant ${owner} to current_user`);
  const known = await admin.query('select from pg_database where datname = $1', [database]);
  if (!known.rowCount) await admin.query(`create database ${name} owner ${owner}`);
  await admin.query(`revoke all on database ${name} from public`);
  await admin.query(`grant connect on database ${name} to ${name}, ${migrator}, ${reader}`);
  // All that the migrator makes is the owner's, whatever it is made with.
  await admin.query(`grant ${owner} to ${migrator}`);
  await admin.query(`alter role ${migrator} in database ${name} set role = ${owner}`);
  await admin.query(`alter role ${reader} in database ${name} set default_transaction_read_only = on`);
}

/** Rights are granted table by table (`grantRights`): nothing comes by default, as it once did. */
async function prepareSchema(admin: Client, database: string): Promise<void> {
  const roles = rolesOf(database);
  const [service, owner, reader] = [database, roles.owner, roles.reader].map(escapeIdentifier);
  await admin.query(`alter schema public owner to ${owner}`);
  await admin.query('revoke create on schema public from public');
  await admin.query(`grant usage on schema public to ${service}, ${reader}`);
  for (const kind of ['tables', 'sequences'])
    await admin.query(
      `alter default privileges for role ${owner} in schema public revoke all on ${kind} from ${service}`,
    );
  await admin.query(`alter default privileges for role ${owner} revoke execute on functions from public`);
}

async function withClient(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function urlFor(adminUrl: string, database: string, role?: string, password?: string): string {
  const url = new URL(adminUrl);
  url.pathname = `/${database}`;
  if (role !== undefined) url.username = role;
  if (password !== undefined) url.password = encodeURIComponent(password);
  return url.toString();
}
