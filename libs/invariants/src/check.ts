import { sqlState, statement, type Database, type Statement, type Transaction } from '@payflow/database';
import { foundIn, type Found, type OffendingRow } from './found.js';
import type { Invariant } from './invariant.js';
import { IdsBegunAnew } from './tallies/sent-sums.js';

/** What one check found, and how long it took. */
export interface Checked extends Found {
  readonly duration_ms: number;
}

/** A running check that takes longer is given up: it must never stand in the way of what it checks. */
export const CHECK_TIMEOUT_MS = 4_000;
/** Steps of a checkpoint per check; a long history is caught up with over several rounds. */
const ADVANCES_MAX = 20;

// One core at most and no compilation: the checks run beside payments.
const LOW_PRIORITY = statement(
  'invariant.low-priority',
  `select set_config('statement_timeout', $1, true), set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true),
     set_config('payflow.awake_s', $2, true)`,
);

/** What a running check knows of the process that looks. */
export interface Looking {
  /** For how long it has been looking, in seconds; what comes from outside has only just begun to. */
  readonly awake_s?: number;
  /** Where this is aborted, no further statement is begun, and the check throws the reason. */
  readonly ending?: AbortSignal;
}

/**
 * Runs one check: the running form, bounded in time, or the full one with the pool's own time-out.
 */
export async function checkInvariant(
  db: Database,
  invariant: Invariant,
  form: 'running' | 'full',
  { awake_s = 0, ending }: Looking = {},
): Promise<Checked> {
  const start = performance.now();
  if (form === 'running' && invariant.advance) await advance(db, invariant.advance, ending);
  const found =
    form === 'full'
      ? await inFull(db, invariant)
      : foundIn(await atLowPriority(db, (tx) => tx.rows<OffendingRow>(invariant.running), awake_s));
  return { ...found, duration_ms: Math.round(performance.now() - start) };
}

async function inFull(db: Database, { full }: Invariant): Promise<Found> {
  return typeof full === 'function' ? full(db) : foundIn(await db.rows<OffendingRow>(full));
}

/**
 * Runs the full form of every check, one after the other: what `payflow verify` calls for each service. One that the database cannot
 * carry out is broken, and the others are run all the same: what was tampered with may be the very thing that it cannot read.
 */
export async function checkInvariants(
  db: Database,
  invariants: readonly Invariant[],
): Promise<(Checked & { readonly invariant: string })[]> {
  const results: (Checked & { invariant: string })[] = [];
  for (const invariant of invariants) {
    const checked = await orWhyNot(() => checkInvariant(db, invariant, 'full'));
    results.push({ invariant: invariant.name, ...checked });
  }
  return results;
}

/** What meets rows that nobody of ours has written, or has written elsewhere. */
const MISREADINGS = [SyntaxError, TypeError, RangeError, IdsBegunAnew];

/** What a check found, or that it could not be carried out and why. Throws where there is no database to ask. */
export async function orWhyNot(check: () => Promise<Checked>): Promise<Checked> {
  const start = performance.now();
  try {
    return await check();
  } catch (error) {
    if (sqlState(error) === undefined && !MISREADINGS.some((kind) => error instanceof kind)) throw error;
    const sample = [`could not be checked: ${(error as Error).message}`];
    return { violations: 1, sample, duration_ms: Math.round(performance.now() - start) };
  }
}

async function advance(db: Database, step: Statement, ending: AbortSignal | undefined): Promise<void> {
  for (let at = 0; at < ADVANCES_MAX; at++) {
    const more = await atLowPriority(db, (tx) => tx.rows(step));
    ending?.throwIfAborted();
    if (more.length === 0) return;
  }
}

function atLowPriority<T>(db: Database, work: (tx: Transaction) => Promise<T>, awake_s = 0): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.rows(LOW_PRIORITY, [String(CHECK_TIMEOUT_MS), String(awake_s)]);
    return work(tx);
  });
}
