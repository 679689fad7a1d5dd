import { readPage, type Database } from '@payflow/database';
import { findPeriod, listPeriods } from '../database/period.repository.js';
import type { Owner } from '../domain/book.js';
import type { Period } from '../domain/period.js';

/** Behind every month, in digits: in the order of a language, signs come before them. */
const NEWEST = '9999-12';

/** One page of an owner's closed and closing months, latest first, without their figures. */
export async function periodList(
  db: Database,
  owner: Owner,
  { limit, after }: { readonly limit: number; readonly after: string | undefined },
): Promise<object> {
  const { rows: page, last } = await readPage(limit, (rows) => listPeriods(db, owner, after ?? NEWEST, rows));
  return { data: page.map(periodResource), next: last?.month ?? null };
}

/** A closed or closing month with its figures, or undefined where it is open. */
export async function onePeriod(db: Database, owner: Owner, month: string): Promise<object | undefined> {
  const period = await findPeriod(db, owner, month);
  return period && { ...periodResource(period), totals: 'totals' in period.told.data ? period.told.data.totals : null };
}

function periodResource({ month, told }: Period) {
  const { ends_at, closing_at } = told.data;
  const times = { ends_at, closing_at };
  return told.type === 'payflow.period.closed.v1'
    ? { id: month, object: 'period', status: 'closed', ...times, closed_at: told.data.closed_at, hash: told.data.hash }
    : { id: month, object: 'period', status: 'closing', ...times, closed_at: null, hash: null };
}
