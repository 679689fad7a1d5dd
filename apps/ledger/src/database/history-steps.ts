import { statement } from '@payflow/database';
import { NOTHING_FOUND, part, together, type Part } from '@payflow/invariants';
import type { Reads } from './one-moment.js';

/** Transfers that one step reads: seconds, and some tens of megabytes for the server to sort. */
export const STEP_TRANSFERS = 200_000;
/** Behind every transaction. */
const END = '18446744073709551615';

/** What lies in a step, by its transaction: `$1` and `$2` are where it begins and ends. */
export const inStep = (row: string): string => `${row}.xact_id >= $1::xid8 and ${row}.xact_id < $2::xid8`;
export const OF_STEP = `(select * from transfers t where ${inStep('t')})`;

/** Transactions from one on, up to another. */
export interface Step {
  readonly from: string;
  readonly to: string;
  readonly isLast: boolean;
}

// Whole transactions, however large, and only such as have ended for certain; the last step takes the others, as far as they are seen.
const BOUND = statement(
  'history.bound',
  `select case when bound <= pg_snapshot_xmin(pg_current_snapshot()) then bound::text end as bound
   from (
     select case when past.xact_id > $1::xid8 then past.xact_id else (
       select xact_id from transfers where xact_id > $1::xid8 order by xact_id limit 1) end as bound
     from (select xact_id from transfers where xact_id >= $1::xid8 order by xact_id offset $2 limit 1) as past) as found`,
);

/** The history of all transfers, cut into pieces that no statement takes long for. */
export async function* historySteps(db: Reads, step_transfers: number): AsyncGenerator<Step> {
  let from = '0';
  for (;;) {
    const [row] = await db.rows<{ bound: string | null }>(BOUND, [from, step_transfers]);
    const bound = row?.bound ?? undefined;
    yield { from, to: bound ?? END, isLast: bound === undefined };
    if (bound === undefined) return;
    from = bound;
  }
}

/** The part of a check that looks at every transfer, and at each by itself or within its transaction: step by step. */
export function overHistory(name: string, query: string, step_transfers = STEP_TRANSFERS): Part {
  const step = part(name, query);
  return async (db) => {
    let found = NOTHING_FOUND;
    for await (const { from, to } of historySteps(db, step_transfers))
      found = together(found, await step(db, [from, to]));
    return found;
  };
}
