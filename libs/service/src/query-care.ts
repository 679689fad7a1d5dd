import { METRICS } from '@payflow/contracts';
import {
  SlowStatements,
  explainAsText,
  onOwnConnection,
  onStatement,
  sqlState,
  type Database,
  type SlowStatement,
  type StatementExecution,
} from '@payflow/database';
import { counter, logger } from '@payflow/telemetry';

const log = logger('database');
const statements = counter(
  METRICS.databaseStatements,
  'Statements executed, by whether they were prepared under a name. BEGIN, COMMIT and ROLLBACK have no plan and are not counted.',
  ['prepared'] as const,
);
const slowStatements = counter(METRICS.databaseSlowStatements, 'Statements that took SLOW_QUERY_MS or longer.', [
  'statement',
] as const);

/** From here on a slow statement is an error: whoever waits for it has noticed. */
const ERROR_FROM_MS = 1_000;
/** A log line has an end; a plan over many partitions has none. */
const PLAN_LENGTH_MAX = 4_000;
const TEXT_LENGTH_MAX = 1_000;
/** All texts that an ORM makes up share one series. */
const UNNAMED = 'unnamed';
/** The label values are looked up once: this runs with every statement. Both are shown from the start. */
const prepared = statements.labels({ prepared: 'true' });
const unprepared = statements.labels({ prepared: 'false' });
prepared.inc(0);
unprepared.inc(0);

/**
 * Counts the statements of this process, and logs those that take `slow_ms` or longer: name, duration, rows and, at a bounded
 * rate, the plan. No parameter is ever logged. Returns what ends it.
 */
export function watchStatements(db: Database, slow_ms: number): () => void {
  const slow = new SlowStatements(slow_ms);
  return onStatement((execution) => {
    (execution.name === undefined ? unprepared : prepared).inc();
    if (execution.duration_ms < slow_ms) return;
    slowStatements.inc({ statement: execution.name ?? UNNAMED });
    const seen = slow.seen(execution, performance.now());
    if (seen) tell(db, seen).catch((error: unknown) => log.warn({ err: error }, 'a slow statement could not be told'));
  });
}

async function tell(db: Database, { execution, suppressed, explain }: SlowStatement): Promise<void> {
  const { name, duration_ms, rows, error } = execution;
  const line = {
    statement: name ?? execution.text.slice(0, TEXT_LENGTH_MAX),
    duration_ms: Math.round(duration_ms),
    ...(rows === undefined ? {} : { rows }),
    ...(error === undefined ? {} : { failed: sqlState(error) ?? 'unknown' }),
    ...(suppressed > 0 ? { suppressed } : {}),
    ...(explain ? await planOf(db, execution) : {}),
  };
  log[duration_ms >= ERROR_FROM_MS ? 'error' : 'warn'](line, 'slow statement');
}

/** The generic plan, or why there is none. While a pool has none to spare, no connection is lent to this. */
async function planOf(db: Database, { text }: StatementExecution): Promise<{ plan: string } | { no_plan: string }> {
  const isBusy = db.pools().some(({ total, idle, waiting, max }) => waiting > 0 || (idle === 0 && total >= max));
  if (isBusy) return { no_plan: 'no_idle_connection' };
  try {
    const plan = await onOwnConnection(db, (client) => explainAsText(client, text));
    return { plan: plan.slice(0, PLAN_LENGTH_MAX) };
  } catch (error) {
    return { no_plan: sqlState(error) ?? 'unreachable' };
  }
}
