import { SqlMigration } from '@payflow/database';

/**
 * From which of its versions on a rule's velocity counts: what an earlier one counted was another rule's, or somebody else's. Adds
 * a column with a constant default: locks `risk_rules` for a moment, and writes no row.
 */
export class RiskRulesCountAnew1764700000021 extends SqlMigration {
  readonly sql = `
alter table risk_rules add column counts_from bigint not null default 1;`;
}
