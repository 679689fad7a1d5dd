import { setTimeout as delay } from 'node:timers/promises';
import { LIMITS, type Limits } from '../advice/advice.js';
import { suggest } from '../advice/report.js';
import type { Explaining } from '../care/explain.js';
import { sqlState } from '../errors.js';
import { endStep, leftSteps, planSteps, type PlannedStep } from './progress.js';
import { stepsFor, type MaintenanceStep, type StepOptions } from './steps.js';
import { openFor_ms, type Window } from './window.js';

export interface MaintainOptions extends StepOptions {
  readonly dryRun: boolean;
  readonly window?: Window | undefined;
  /** Between two steps, for whoever else the server works for. */
  readonly rest_ms: number;
  readonly limits?: Limits;
  /** Hears what is done, as it is done. */
  readonly tell: (line: string) => void;
}

/** What came of it. */
export interface Maintained {
  readonly done: readonly MaintenanceStep[];
  readonly failed: readonly { readonly step: MaintenanceStep; readonly problem: string }[];
  /** What is left for another time, the window having closed. */
  readonly left: readonly MaintenanceStep[];
}

/** One run at a time in a database: a lock of its own session, gone with it, however it ends. */
const LOCK_KEY = 1_764_100_030;
/** Whoever waits for a lock has others wait behind it. */
const LOCK_TIMEOUT_MS = 2_000;
const ATTEMPTS_MAX = 3;
const LOCK_NOT_AVAILABLE = '55P03';
const QUERY_CANCELED = '57014';
/** A tenth of what the disk could do: it is read in pieces, with pauses. */
const THROTTLE = `set vacuum_cost_delay = '2ms'; set vacuum_cost_limit = 400`;

/** Why nothing was done at all; told to the operator as it is. */
export class MaintenanceRefused extends Error {}

/**
 * ANALYZE, VACUUM and REINDEX CONCURRENTLY of what needs it, as the schema's owner: one after the other, throttled, and only
 * while the window is open. What a run that was broken off has left is done first, and an index that it left half built is
 * dropped. `dryRun` tells the steps and changes nothing.
 */
export async function maintain(client: Explaining, options: MaintainOptions): Promise<Maintained> {
  await refuseOthers(client);
  if (options.dryRun) return { done: [], failed: [], left: await toDo(client, options) };
  const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [LOCK_KEY]);
  if (!rows[0]?.taken) throw new MaintenanceRefused('another maintenance run is at work on this database');
  try {
    return await carryOut(client, await planned(client, options), options);
  } finally {
    await client.query('select pg_advisory_unlock($1)', [LOCK_KEY]).catch(() => undefined);
  }
}

async function refuseOthers(client: Explaining): Promise<void> {
  const { rows } = await client.query<{ role: string }>(
    `select current_user::text as role from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
     and not pg_has_role(current_user, c.relowner, 'usage') limit 1`,
  );
  if (rows[0])
    throw new MaintenanceRefused(
      `${rows[0].role} does not own the tables: maintenance is the migrator's, never the service's`,
    );
}

async function toDo(client: Explaining, options: MaintainOptions): Promise<MaintenanceStep[]> {
  const left = await leftSteps(client, options.kinds);
  if (left.length > 0) return left;
  const { facts, advices } = await suggest(client, options.limits ?? LIMITS);
  return stepsFor(advices, facts.tables, options);
}

async function planned(client: Explaining, options: MaintainOptions): Promise<PlannedStep[]> {
  const left = await leftSteps(client, options.kinds);
  if (left.length > 0) {
    options.tell(`going on where the last run was broken off: ${left.length} steps are left`);
    return left;
  }
  return planSteps(client, await toDo(client, options));
}

async function carryOut(
  client: Explaining,
  steps: readonly PlannedStep[],
  { window, rest_ms, tell }: MaintainOptions,
): Promise<Maintained> {
  const done: MaintenanceStep[] = [];
  const failed: { step: MaintenanceStep; problem: string }[] = [];
  await client.query(THROTTLE);
  for (const [at, step] of steps.entries()) {
    const open_ms = openFor_ms(window, new Date());
    if (open_ms === 0) return { done, failed, left: steps.slice(at) };
    if (at > 0) await delay(rest_ms);
    const problem = await attempt(client, step, open_ms);
    if (problem === 'window_closed') return { done, failed, left: steps.slice(at) };
    await endStep(client, step, problem ?? null);
    tell(`${step.statement}${problem === undefined ? '' : `: ${problem}`}`);
    if (problem === undefined) done.push(step);
    else failed.push({ step, problem });
  }
  return { done, failed, left: [] };
}

/** What went wrong, if anything. Whoever holds the table goes first; the window ends what has not ended by itself. */
async function attempt(client: Explaining, step: PlannedStep, open_ms: number): Promise<string | undefined> {
  const until_ms = performance.now() + open_ms;
  for (let count = 1; ; count++) {
    try {
      // For dropping as well, which waits for every transaction that has the table open.
      await setTimeouts(client, Math.max(1, until_ms - performance.now()));
      await dropHalfBuilt(client, step);
      await client.query(step.statement);
      return undefined;
    } catch (error) {
      const state = sqlState(error);
      if (state === QUERY_CANCELED && performance.now() >= until_ms) return 'window_closed';
      if (state === undefined) throw error;
      if (state !== LOCK_NOT_AVAILABLE || count >= ATTEMPTS_MAX) return `${(error as Error).message} (${state})`;
    } finally {
      await client.query(`set statement_timeout = 0; set lock_timeout = 0`).catch(() => undefined);
    }
  }
}

async function setTimeouts(client: Explaining, open_ms: number): Promise<void> {
  const statement_ms = Number.isFinite(open_ms) ? Math.ceil(open_ms) : 0;
  await client.query(`set statement_timeout = ${statement_ms}; set lock_timeout = ${LOCK_TIMEOUT_MS}`);
}

/** REINDEX CONCURRENTLY that was broken off leaves an index behind that is written and never read. */
async function dropHalfBuilt(client: Explaining, { kind, subject }: PlannedStep): Promise<void> {
  if (kind !== 'reindex') return;
  const { rows } = await client.query<{ name: string }>(
    `select x.indexrelid::regclass::text as name from pg_index i join pg_index x using (indrelid)
     where i.indexrelid = to_regclass(quote_ident($1)) and not x.indisvalid
       and (select relname from pg_class where oid = x.indexrelid) ~ '_cc(new|old)\\d*$'`,
    [subject],
  );
  for (const { name } of rows) await client.query(`drop index concurrently ${name}`);
}
