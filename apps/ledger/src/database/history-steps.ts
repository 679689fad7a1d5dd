import { statement, type Statement } from '@payflow/database';
import { NOTHING_FOUND, part, together, type Found, type Part } from '@payflow/invariants';
import { inOneMoment, type Reads } from './one-moment.js';

/** Transfers that one step reads: seconds, and some tens of megabytes for the server to sort. */
export const STEP_TRANSFERS = 200_000;
/** Behind every transaction. */
const END = '18446744073709551615';

/** What lies in a step, by its transaction: `$1` and `$2` are where it begins and ends. */
export const inStep = (row: string): string => `${row}.xact_id >= $1::xid8 and ${row}.xact_id < $2::xid8`;
export const OF_STEP = `(select * from transfers t where ${inStep('t')})`;
/** Those of what a step's transfers were answered with: both are of one transaction, so that neither is looked for in all history. */
export const TOLD_IN_STEP = `(select * from verdicts v where ${inStep('v')})`;

/** Transactions from one on, up to another. */
export interface Step {
  readonly from: string;
  readonly to: string;
  readonly isLast: boolean;
}

/** What a step is cut by: there are accounts, holds and changes of which no transfer tells, and a transfer has its verdict. */
export type CutBy = 'transfers' | 'verdicts';

// Whole transactions, however large, and only such as have ended for certain; the last step takes the others, as far as they are seen.
const boundOf = (table: CutBy) => `
   select case when bound <= pg_snapshot_xmin(pg_current_snapshot()) then bound::text end as bound
   from (
     select case when past.xact_id > $1::xid8 then past.xact_id else (
       select xact_id from ${table} where xact_id > $1::xid8 order by xact_id limit 1) end as bound
     from (select xact_id from ${table} where xact_id >= $1::xid8 order by xact_id offset $2 limit 1) as past) as found`;

const BOUND: Readonly<Record<CutBy, Statement>> = {
  transfers: statement('history.bound', boundOf('transfers')),
  verdicts: statement('history.bound-of-verdicts', boundOf('verdicts')),
};

/** The history of all transfers, or of all that was told, cut into pieces that no statement takes long for. */
export async function* historySteps(
  db: Reads,
  step_rows: number,
  cutBy: CutBy = 'transfers',
): AsyncGenerator<Step, void> {
  let from = '0';
  for (;;) {
    const [row] = await db.rows<{ bound: string | null }>(BOUND[cutBy], [from, step_rows]);
    const bound = row?.bound ?? undefined;
    yield { from, to: bound ?? END, isLast: bound === undefined };
    if (bound === undefined) return;
    from = bound;
  }
}

/** The part of a check that looks at every transfer, and at each by itself or within its transaction: step by step. */
export function overHistory(
  name: string,
  query: string,
  { step_rows = STEP_TRANSFERS, cutBy = 'transfers' }: { readonly step_rows?: number; readonly cutBy?: CutBy } = {},
): Part {
  const step = part(name, query);
  return async (db) => {
    let found = NOTHING_FOUND;
    for await (const { from, to } of historySteps(db, step_rows, cutBy))
      found = together(found, await step(db, [from, to]));
    return found;
  };
}

interface CountedRow extends Found, Record<string, unknown> {
  readonly kept: string;
}

/** Rows that are only ever added to, against what was told of each. */
export interface ToldOnce {
  /** What was told in a step, by how it offends: null is as it was told, and is kept in a row that `kept` counts. */
  readonly told: string;
  readonly kept: string;
  /** Which rows those are that nobody told of: all are read at once, and only where there are more of them than were told. */
  readonly untold: string;
}

/**
 * The part of a check that finds each row by its key, step by step, from what was told of it. What nobody was told of is met in no
 * step: there are then more rows than were found.
 */
export function toldOnce(name: string, { told, kept, untold }: ToldOnce, step_rows = STEP_TRANSFERS): Part {
  const STEP = statement(
    `invariant.${name}.told`,
    `with looked as (${told})
     select count(id)::integer as violations, (array(select id::text from looked where id is not null limit 10)) as sample,
       (count(*) - count(id))::text as kept from looked`,
  );
  const KEPT = statement(`invariant.${name}.kept`, `select count(*)::text as kept from (${kept}) as kept`);
  const named = part(`${name}.untold`, untold);
  return async (db) => {
    let found = NOTHING_FOUND;
    let told_rows = 0n;
    let kept_rows = 0n;
    const look = async (reads: Reads, { from, to }: Step) => (await reads.rows<CountedRow>(STEP, [from, to]))[0];
    for await (const step of historySteps(db, step_rows, 'verdicts')) {
      // What is told meanwhile is in both counts, or in neither.
      const [row, counted] = step.isLast
        ? await inOneMoment(db, async (tx) => [await look(tx, step), (await tx.rows<CountedRow>(KEPT))[0]])
        : [await look(db, step)];
      found = together(found, row ?? NOTHING_FOUND);
      told_rows += BigInt(row?.kept ?? 0);
      kept_rows = BigInt(counted?.kept ?? 0);
    }
    return found.violations === 0 && kept_rows !== told_rows ? named(db) : found;
  };
}

/**
 * The part of a check over what is told seldom, and more than once: `gathered` is all of it, step by step, of which `compared` is
 * given each row once, as JSON in `$1`.
 */
export function gathered(
  name: string,
  { told, compared }: { readonly told: string; readonly compared: string },
  step_rows = STEP_TRANSFERS,
): Part {
  const STEP = statement(
    `invariant.${name}.told`,
    `select distinct row_to_json(told)::text as told from (${told}) as told`,
  );
  const compare = part(name, compared);
  return async (db) => {
    const all = new Set<string>();
    const look = async (reads: Reads, { from, to }: Step) => {
      for (const row of await reads.rows<{ told: string }>(STEP, [from, to])) all.add(row.told);
    };
    for await (const step of historySteps(db, step_rows, 'verdicts')) {
      if (!step.isLast) await look(db, step);
      else
        return inOneMoment(db, async (tx) => {
          await look(tx, step);
          return compare(tx, [`[${[...all].join(',')}]`]);
        });
    }
    return NOTHING_FOUND;
  };
}
