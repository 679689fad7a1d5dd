import { SqlMigration } from '@payflow/database';

/** The transaction type that a hold keeps to. Of the catalogue alone: no row is rewritten. */
export class LedgerHoldTypes1764100060004 extends SqlMigration {
  readonly sql = `
alter table holds add column type_name text, add column type_version bigint,
  add constraint holds_type_is_whole check ((type_name is null) = (type_version is null)) not valid;
`;
}
