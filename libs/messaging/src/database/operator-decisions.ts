import { SqlMigration } from '@payflow/database';

/** Who sent a reader back, or had messages sent again, and why. A new table only: locks nothing that exists. */
export class OperatorDecisions1764700000141 extends SqlMigration {
  readonly sql = `
-- The rows that a decision was about only show how they stand by now. Rows are added, and never changed.
create table operator_decisions (
  id bigint generated always as identity primary key,
  decision text not null check (decision in ('position_moved', 'republished')),
  details json not null,
  actor text not null check (length(actor) between 1 and 255),
  reason text not null check (length(reason) between 1 and 255),
  decided_at timestamptz not null default clock_timestamp()
);`;
}
