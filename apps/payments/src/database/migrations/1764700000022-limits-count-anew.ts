import { SqlMigration } from '@payflow/database';

/**
 * From which of its versions on a limit counts: what an earlier one counted was of another asset. Adds a column with a constant
 * default: locks `limits` for a moment, and writes no row.
 */
export class LimitsCountAnew1764700000022 extends SqlMigration {
  readonly sql = `
alter table limits add column counts_from bigint not null default 1;`;
}
