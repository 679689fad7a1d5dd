import { statement, type Database, type Transaction } from '@payflow/database';
import { fromUuid, newUuid, uuidOf } from '@payflow/contracts';
import { tenantUuid } from './keys.js';

const FIND_NAME = statement('tenants.find-name', `select name from tenants where id = $1`);

const INSERT = statement('tenants.insert', `insert into tenants (id, name) values ($1, $2)`);

// Whoever comes second waits here for the first to commit, and then finds the row.
const CLAIM = statement(
  'installation.claim',
  `insert into installation (tenant_id) values ($1) on conflict (only_row) do nothing`,
);

const FIRST = statement('installation.first', `select tenant_id from installation`);

/** The organisation that this installation began with. */
export async function firstOrganisation(db: Database | Transaction): Promise<string | undefined> {
  const [row] = await db.rows<{ tenant_id: string }>(FIRST);
  return row && fromUuid('tenant', row.tenant_id);
}

/** What an organisation is called. */
export async function findTenantName(db: Database, organisation: string): Promise<string> {
  const [row] = await db.rows<{ name: string }>(FIND_NAME, [tenantUuid(organisation)]);
  return row?.name ?? '';
}

/** Makes an organisation and returns its id. */
export async function insertOrganisation(tx: Transaction, name: string): Promise<string> {
  const id = newUuid();
  await tx.count(INSERT, [id, name]);
  return fromUuid('tenant', id);
}

/** Makes the organisation the first of this installation. False where there is a first one. */
export async function claimInstallation(tx: Transaction, organisation: string): Promise<boolean> {
  return (await tx.count(CLAIM, [uuidOf('tenant', organisation)])) === 1;
}
