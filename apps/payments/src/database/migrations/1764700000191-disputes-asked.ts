import { SqlMigration } from '@payflow/database';

/**
 * When a dispute's provider was last asked how it stands: a clock of its own beside the sweeper's `swept_at`, which is moved at least
 * once an hour while the ledger refuses. Locks `disputes` for the moment of adding a column with a constant default: what is
 * there counts as asked about now, and what a process of the version before adds, as asked about when it was added.
 */
export class DisputesAsked1764700000191 extends SqlMigration {
  readonly sql = `
alter table disputes add column asked_at timestamptz not null default now();
alter table disputes alter column asked_at set default clock_timestamp();
`;
}
