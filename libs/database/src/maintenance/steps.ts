import { LOCKS, identifier, type Advice } from '../advice/advice.js';
import type { TableFacts } from '../advice/facts.js';

export const MAINTENANCE_KINDS = ['analyze', 'vacuum', 'reindex'] as const;
export type MaintenanceKind = (typeof MAINTENANCE_KINDS)[number];

export interface MaintenanceStep {
  readonly kind: MaintenanceKind;
  /** The table or index. */
  readonly subject: string;
  readonly statement: string;
  readonly lock: string;
}

export interface StepOptions {
  readonly kinds: readonly MaintenanceKind[];
  /** Every table is vacuumed and analyzed, whether it needs it or not. */
  readonly all: boolean;
}

/**
 * What is to be done, the quick and most useful first: statistics, then dead rows, then indexes. Nothing that keeps others from
 * reading or writing: a table that is mostly air is vacuumed, so that its space is used again, and never rewritten.
 */
export function stepsFor(
  advices: readonly Advice[],
  tables: readonly TableFacts[],
  { kinds, all }: StepOptions,
): MaintenanceStep[] {
  const leaves = tables.filter(({ isPartitioned }) => !isPartitioned).map(({ name }) => name);
  const about = (...wanted: Advice['kind'][]) =>
    advices.filter(({ kind }) => wanted.includes(kind)).map(({ subject }) => subject);
  const frozen = about('wraparound');
  // Once its dead rows are gone, vacuuming a table again makes it no smaller.
  const withDead = new Set(tables.filter(({ deadRows }) => deadRows > 0).map(({ name }) => name));
  const vacuumed = all ? leaves : about('vacuum_debt', 'bloated_table').filter((table) => withDead.has(table));
  const analyzed = all ? leaves : about('stale_statistics');
  const steps: MaintenanceStep[] = [
    ...frozen.map((table) => step('vacuum', table, 'vacuum (freeze, analyze)', LOCKS.analyze)),
    ...analyzed.map((table) => step('analyze', table, 'analyze', LOCKS.analyze)),
    ...vacuumed
      .filter((table) => !frozen.includes(table))
      .map((table) => step('vacuum', table, 'vacuum (analyze)', LOCKS.analyze)),
    ...about('bloated_index').map((index) => step('reindex', index, 'reindex index concurrently', LOCKS.concurrently)),
  ];
  return steps.filter(({ kind }) => kinds.includes(kind));
}

function step(kind: MaintenanceKind, subject: string, verb: string, lock: string): MaintenanceStep {
  return { kind, subject, statement: `${verb} ${identifier(subject)}`, lock };
}
