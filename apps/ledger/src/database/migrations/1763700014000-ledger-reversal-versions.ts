import { SqlMigration } from '@payflow/database';

/** Readers of a transfer can tell whether more of it has been moved back. A column with a constant default: rewrites nothing. */
export class LedgerReversalVersions1763700014000 extends SqlMigration {
  readonly sql = `
alter table reversals add column version bigint not null default 1 check (version > 0);
`;
}
