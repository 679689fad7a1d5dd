import { statement, type Database } from '@payflow/database';
import type { StatementSpan } from '../sampling/statement-spans.js';

const INSERT = statement(
  'monitoring.insert-statement-spans',
  `insert into statement_spans (ended_at, service, statement, calls, row_count, total_ms)
   select $1, s.* from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::float8[]) as s
   on conflict do nothing`,
);
const PRUNE = statement(
  'monitoring.prune-statement-spans',
  `delete from statement_spans where ended_at < now() - interval '7 days'`,
);
const BUSIEST = statement(
  'monitoring.busiest-statements',
  `select service, statement, calls, row_count as "rows", total_ms, mean_ms from (
     select service, statement, sum(calls)::float8 as calls, sum(row_count)::float8 as row_count, sum(total_ms) as total_ms,
       sum(total_ms) / sum(calls) as mean_ms, row_number() over (partition by service order by sum(total_ms) desc) as place
     from statement_spans where ended_at > $1 group by service, statement) as ranked
   where place <= 10 order by service, place`,
);

/** A statement that took much of a database's time. */
export interface BusyStatement {
  readonly statement: string;
  readonly calls: number;
  readonly rows: number;
  readonly total_ms: number;
  readonly mean_ms: number;
}

/** Writes down what the statements of one span took. */
export async function saveSpans(db: Database, endedAt: Date, spans: readonly StatementSpan[]): Promise<void> {
  if (spans.length === 0) return;
  await db.count(INSERT, [
    endedAt,
    spans.map(({ service }) => service),
    spans.map(({ statement }) => statement),
    spans.map(({ calls }) => calls),
    spans.map(({ rows }) => rows),
    spans.map(({ total_ms }) => total_ms),
  ]);
}

/** Keeps the table bounded: seven days of the costliest of each span. */
export async function pruneSpans(db: Database): Promise<void> {
  await db.count(PRUNE);
}

/** The ten costliest statements of each service since then. */
export async function busiestStatements(
  db: Database,
  since: Date,
): Promise<(BusyStatement & { readonly service: string })[]> {
  return db.rows<BusyStatement & { readonly service: string }>(BUSIEST, [since]);
}
