import { SqlMigration } from '@payflow/database';

/** A rule that was deleted stays, so that its versions go on. Adds a column without values: locks `risk_rules` for a moment. */
export class RiskRulesDeleted1764700000002 extends SqlMigration {
  readonly sql = `
alter table risk_rules add column deleted_at timestamptz;`;
}
