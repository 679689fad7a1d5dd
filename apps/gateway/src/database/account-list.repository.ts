import { uuidOf } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import type { AccountView } from '../domain/account.js';
import { ACCOUNT_COLUMNS, accountOfRow, type AccountRow } from './account-view.repository.js';
import type { Owner } from './keys.js';
import { compare, CREATED_CONDITIONS, inSubtree, ListStatements, ofMetadata, type Page } from './list-statement.js';

/** Which accounts a list shows; instants are RFC 3339. */
export interface AccountFilter {
  readonly status?: string;
  readonly kind?: string;
  readonly asset?: string;
  /** The account at the path, and all below it. */
  readonly path?: string;
  /** An object as JSON: names and values that the metadata must have. */
  readonly metadata?: string;
  readonly createdGte?: string;
  readonly createdGt?: string;
  readonly createdLte?: string;
  readonly createdLt?: string;
}

export const ACCOUNT_LISTS = new ListStatements<AccountFilter>('account_views', ACCOUNT_COLUMNS, {
  status: compare('s', 'status'),
  kind: compare('k', 'kind'),
  asset: compare('a', 'asset'),
  path: inSubtree('p', 'path'),
  metadata: ofMetadata,
  ...CREATED_CONDITIONS,
});

/** Up to `limit` accounts of the owner that pass the filter, newest first, after the position. */
export async function listAccounts(db: Database, owner: Owner, page: Page<AccountFilter>): Promise<AccountView[]> {
  const rows = await ACCOUNT_LISTS.rows<AccountRow>(db, owner, page, (id) => uuidOf('account', id));
  return rows.map(accountOfRow);
}
