import { SqlMigration } from '@payflow/database';

/**
 * Which transaction wrote an account's row last. One writes each account once, so a row that still has the stamp is the same
 * row: nothing else of it needs to be compared.
 */
export class LedgerAccountStamps1763700015001 extends SqlMigration {
  readonly sql = `
alter table accounts add column xact_id xid8 not null default '0';
alter table accounts alter column xact_id set default pg_current_xact_id();
`;
}
