import { uuidOf } from '@payflow/contracts';
import { until } from '@payflow/testing';
import type { House } from '../house/house.js';
import { treeCpu_us } from './cpu.js';
import type { GeneratorProcess } from './generator-process.js';
import type { StepOrder, StepResult } from './protocol.js';

export type Pids = Readonly<Record<string, number>>;

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface Measured {
  readonly rate: number;
  readonly seconds: number;
  readonly sent: number;
  readonly applied: number;
  /** From the first planned request to the last commit. */
  readonly applied_per_s: number;
  /** From the planned moment, ms. */
  readonly to_commit_ms: Percentiles;
  readonly to_answer_ms: Percentiles;
  /** Answers by status; 0 where none came. */
  readonly answers: Readonly<Record<string, number>>;
  /** Sent away by the gateway before anything was done for them, by reason. */
  readonly shed: Readonly<Record<string, number>>;
  /** Per payment that was applied, by process. */
  readonly cpu_us: Readonly<Record<string, number>>;
  readonly wal_bytes: number;
}

const DRAINED_WITHIN_MS = 120_000;
/** The listeners gather for a second at most. */
const SHED = /^payflow_admission_shed_total\{[^}]*reason="(\w+)"[^}]*\} (\d+)/gm;
const ACKNOWLEDGED = new Set([201, 202]);

/** Plans, warms the disk, sends, waits until all has been applied everywhere, and adds up. */
export async function measureStep(
  house: House,
  generator: GeneratorProcess,
  pids: Pids,
  order: StepOrder,
): Promise<{ measured: Measured; acknowledged: string[] }> {
  const go = await generator.prepare(order);
  await house.databases.adminRows('checkpoint');
  const [shedBefore, walBefore] = [await shedOf(house), await walPosition(house)];
  const cpuBefore = cpuOf(pids);
  const result = await go();
  await untilDrained(house);
  const cpu_us = differences(cpuOf(pids), cpuBefore);
  const [shed, wal] = [differences(await shedOf(house), shedBefore), await walSince(house, walBefore)];
  const committed = await commits(house, result);
  const answers = [...result.answered].flatMap((at, index) => (at > 0 ? [at - (result.planned[index] ?? 0)] : []));
  const applied = committed.length;
  return {
    acknowledged: result.ids.filter((_, at) => ACKNOWLEDGED.has(result.status[at] ?? 0)),
    measured: {
      ...order,
      sent: result.ids.length,
      applied,
      applied_per_s: Math.round(
        (applied * 1_000) / (Math.max(...chunked(committed.map(({ at }) => at))) - (result.planned[0] ?? 0)),
      ),
      to_commit_ms: percentiles(committed.map(({ after }) => after)),
      to_answer_ms: percentiles(answers),
      answers: countBy(result.status),
      shed,
      cpu_us: Object.fromEntries(Object.entries(cpu_us).map(([name, us]) => [name, Math.round(us / applied)])),
      wal_bytes: Math.round(wal / applied),
    },
  };
}

function cpuOf(pids: Pids): Record<string, number> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, treeCpu_us(pid)]));
}

/** Requests that were sent away since the gateway's start, by reason. */
async function shedOf(house: House): Promise<Record<string, number>> {
  const metrics = await (await fetch(`${house.api}/metrics`)).text();
  const counts: Record<string, number> = {};
  for (const [, reason = '', count] of metrics.matchAll(SHED)) counts[reason] = (counts[reason] ?? 0) + Number(count);
  return counts;
}

/** What has grown, by how much. */
function differences(after: Record<string, number>, before: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, grown]) => grown > 0),
  );
}

async function walPosition({ databases }: House): Promise<string> {
  const [row] = await databases.adminRows<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  return row?.lsn ?? '0/0';
}

async function walSince({ databases }: House, lsn: string): Promise<number> {
  const [row] = await databases.adminRows<{ bytes: string }>(
    'select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), $1::pg_lsn)::text as bytes',
    [lsn],
  );
  return Number(row?.bytes ?? 0);
}

/** Nothing is on its way any more: no write without an end, nothing unsent, every reader at the end of its topic. */
async function untilDrained(house: House): Promise<void> {
  await until(
    'nothing is on its way',
    async () => (await house.databases.value('gateway', 'select count(*) from pending_writes')) === '0',
    DRAINED_WITHIN_MS,
  );
  await house.untilCaughtUp(DRAINED_WITHIN_MS);
}

interface Commit {
  readonly at: number;
  readonly after: number;
}

/** When the ledger's transaction of each payment committed, by the server's own record of commits. */
async function commits({ databases }: House, { ids, planned }: StepResult): Promise<Commit[]> {
  const plannedOf = new Map(ids.map((id, at) => [uuidOf('payment', id), planned[at] ?? 0]));
  const rows = await databases.rows<{ id: string; at: number }>(
    'ledger',
    `select payment_id as id, (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000)::float8 as at
     from transfers where payment_id = any ($1::uuid[])`,
    [[...plannedOf.keys()]],
  );
  return rows.map(({ id, at }) => ({ at, after: at - (plannedOf.get(id) ?? 0) }));
}

export function percentiles(values: readonly number[]): Percentiles {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** The largest of each thousand: an argument list has its limits. */
function chunked(values: readonly number[]): number[] {
  const largest: number[] = [];
  for (let at = 0; at < values.length; at += 1_000) largest.push(Math.max(...values.slice(at, at + 1_000)));
  return largest;
}

function countBy(status: Uint16Array): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const code of status) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}
