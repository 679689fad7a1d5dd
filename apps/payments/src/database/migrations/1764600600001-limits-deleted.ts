import { SqlMigration } from '@payflow/database';

/** A limit that was deleted stays, so that its versions go on. Adds a column without values: locks `limits` for a moment. */
export class LimitsDeleted1764600600001 extends SqlMigration {
  readonly sql = `
alter table limits add column deleted_at timestamptz;`;
}
