import { SqlMigration } from '@payflow/database';

/**
 * What the costliest statements of each service took, by the span between two looks at the servers' counts. New table only:
 * locks nothing that exists.
 */
export class StatementSpans1764100030001 extends SqlMigration {
  readonly sql = `
create table statement_spans (
  ended_at timestamptz not null,
  service text not null,
  statement text not null,
  calls bigint not null check (calls > 0),
  row_count bigint not null check (row_count >= 0),
  total_ms double precision not null,
  primary key (ended_at, service, statement)
);
`;
}
