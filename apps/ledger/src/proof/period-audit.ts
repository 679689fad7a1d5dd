import type { PeriodClosed } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { closedMonthsBehind, type ClosedMonth } from '../database/period.repository.js';
import { closingHash } from '../period-closer.js';

/**
 * Closed months whose hash is not that of what they tell, or of the month before (I35). Whoever rewrites a month's figures, and
 * the transfers that they come to, would have to write every later month anew as well; what was published of it stays as it was.
 */
export async function brokenMonths(db: Database): Promise<string[]> {
  const broken: string[] = [];
  let last: ClosedMonth | undefined;
  for (;;) {
    const months = await closedMonthsBehind(db, last);
    if (months.length === 0) return broken;
    broken.push(
      ...months
        .filter((month) => !isHashed(month))
        .map(({ key, month }) => `periods/${key.tenant}/${month} has another hash than its figures`),
    );
    last = months.at(-1);
  }
}

function isHashed({ owner, month, hashBefore, endsAt, told }: ClosedMonth): boolean {
  const { id, ends_at, totals, hash } = JSON.parse(told) as Partial<PeriodClosed>;
  if (!Array.isArray(totals) || ends_at === undefined) return false;
  const isOfMonth = id === month && Date.parse(ends_at) === endsAt.getTime();
  return isOfMonth && hash === closingHash({ owner, month, hashBefore }, totals);
}
