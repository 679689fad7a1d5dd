import { Client, escapeIdentifier, escapeLiteral } from 'pg';

export interface ProvisionedDatabase {
  /** For the service: reads and writes rows, owns nothing. */
  readonly url: string;
  /** For migrations: owns the schema. */
  readonly ownerUrl: string;
}

/**
 * Makes sure that a service has its database with two roles: `payflow_<service>_owner`, which owns the schema and is used
 * for migrations alone, and `payflow_<service>`, which the service logs in as. Safe to repeat; passwords are set anew.
 */
export async function provisionDatabase(
  adminUrl: string,
  service: string,
  passwords: { readonly owner: string; readonly service: string },
  prefix = 'payflow',
): Promise<ProvisionedDatabase> {
  const database = `${prefix}_${service}`;
  const owner = `${database}_owner`;
  await withClient(adminUrl, async (admin) => {
    await ensureRole(admin, owner, passwords.owner);
    await ensureRole(admin, database, passwords.service);
    await ensureDatabase(admin, database, owner);
  });
  await withClient(urlFor(adminUrl, database), (admin) => grantSchema(admin, owner, database));
  return {
    url: urlFor(adminUrl, database, database, passwords.service),
    ownerUrl: urlFor(adminUrl, database, owner, passwords.owner),
  };
}

async function ensureRole(admin: Client, role: string, password: string): Promise<void> {
  const known = await admin.query('select from pg_roles where rolname = $1', [role]);
  const verb = known.rowCount ? 'alter' : 'create';
  await admin.query(
    `${verb} role ${escapeIdentifier(role)} login nosuperuser nocreatedb nocreaterole password ${escapeLiteral(password)}`,
  );
}

async function ensureDatabase(admin: Client, database: string, owner: string): Promise<void> {
  const known = await admin.query('select from pg_database where datname = $1', [database]);
  if (!known.rowCount) {
    // CREATEROLE alone may not give a database to a role it is not a member of.
    await admin.query(`grant ${escapeIdentifier(owner)} to current_user`);
    await admin.query(`create database ${escapeIdentifier(database)} owner ${escapeIdentifier(owner)}`);
  }
  await admin.query(`revoke all on database ${escapeIdentifier(database)} from public`);
  await admin.query(`grant connect on database ${escapeIdentifier(database)} to ${escapeIdentifier(database)}`);
}

/** Rows yes, schema no: what the owner makes later is granted by default privileges. */
async function grantSchema(admin: Client, owner: string, role: string): Promise<void> {
  const [ownerName, roleName] = [escapeIdentifier(owner), escapeIdentifier(role)];
  await admin.query(`alter schema public owner to ${ownerName}`);
  await admin.query('revoke create on schema public from public');
  await admin.query(`grant usage on schema public to ${roleName}`);
  await admin.query(
    `alter default privileges for role ${ownerName} in schema public grant select, insert, update, delete on tables to ${roleName}`,
  );
  await admin.query(
    `alter default privileges for role ${ownerName} in schema public grant usage on sequences to ${roleName}`,
  );
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
