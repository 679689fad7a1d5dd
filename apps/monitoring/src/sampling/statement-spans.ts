import type { Service } from '@payflow/contracts';
import type { StatementCount } from '@payflow/database';
import type { Readable } from './self-reader.js';

/** Of each service and span: what costs less than these is not what anybody looks for. */
const KEPT_PER_SPAN = 20;

/** What one statement took between two looks. */
export interface StatementSpan extends StatementCount {
  readonly service: Service;
}

/** The servers count since they were last reset; what happened in between is the difference of two looks. */
export class StatementSpans {
  private readonly before = new Map<Service, readonly StatementCount[]>();

  /** Looks at every service; one that does not answer, or cannot tell, is looked at again next time, and nothing of it is lost. */
  async look(readers: readonly Pick<Readable, 'service' | 'statements'>[]): Promise<StatementSpan[]> {
    const spans = await Promise.all(
      readers.map(async (reader) => {
        const counts = await reader.statements().catch(() => undefined);
        if (!counts) return [];
        const before = this.before.get(reader.service);
        this.before.set(reader.service, counts);
        return before ? spansBetween(before, counts).map((span) => ({ service: reader.service, ...span })) : [];
      }),
    );
    return spans.flat();
  }
}

/** What was counted from one look to the next, the costliest first. Counts that fell were reset, and began at zero. */
export function spansBetween(before: readonly StatementCount[], after: readonly StatementCount[]): StatementCount[] {
  const earlier = byStatement(before);
  return [...byStatement(after).values()]
    .map((count) => since(earlier.get(count.statement), count))
    .filter(({ calls }) => calls > 0)
    .toSorted((one, other) => other.total_ms - one.total_ms)
    .slice(0, KEPT_PER_SPAN);
}

function since(before: StatementCount | undefined, after: StatementCount): StatementCount {
  if (!before || after.calls < before.calls) return after;
  return {
    statement: after.statement,
    calls: after.calls - before.calls,
    rows: Math.max(0, after.rows - before.rows),
    total_ms: Math.max(0, after.total_ms - before.total_ms),
  };
}

/** Two texts of one beginning share a label. */
function byStatement(counts: readonly StatementCount[]): Map<string, StatementCount> {
  const sums = new Map<string, StatementCount>();
  for (const count of counts) {
    const known = sums.get(count.statement);
    sums.set(
      count.statement,
      known
        ? {
            statement: count.statement,
            calls: known.calls + count.calls,
            rows: known.rows + count.rows,
            total_ms: known.total_ms + count.total_ms,
          }
        : count,
    );
  }
  return sums;
}
