import { LOCKS, identifier, sizeText, type Advice, type Limits } from './advice.js';
import type { DatabaseFacts, StatementFacts, TableFacts } from './facts.js';
import { wastedBytes } from './index-advice.js';

/** Beyond the age at which the server itself freezes: something keeps it from doing so. */
const FREEZE_OVERDUE_RATIO = 1.5;
/** An estimate that is off by so much makes other plans. */
const MISESTIMATE_RATIO = 10;
const MISESTIMATED_ROWS_MIN = 100;

/** What autovacuum should have done and has not, and space that it cannot give back. */
export function adviseOnTables(facts: DatabaseFacts, limits: Limits): Advice[] {
  return facts.tables
    .filter(({ isPartitioned }) => !isPartitioned)
    .flatMap((table) => [
      ...wraparound(table, facts),
      ...staleStatistics(table, facts, limits),
      ...(bloated(table, limits) ?? vacuumDebt(table, facts, limits)),
    ]);
}

function wraparound(table: TableFacts, { freezeAgeMax }: DatabaseFacts): Advice[] {
  if (table.xidAge < freezeAgeMax * FREEZE_OVERDUE_RATIO) return [];
  return [
    {
      kind: 'wraparound',
      subject: table.name,
      evidence: `the oldest row of ${table.name} is ${table.xidAge} transactions old, and the server should have frozen it at ${freezeAgeMax}; at 2,000,000,000 it takes no more writes`,
      statements: [`vacuum (freeze, analyze) ${identifier(table.name)}`],
      gain: 'the server goes on taking writes',
      lock: LOCKS.analyze,
    },
  ];
}

function staleStatistics(table: TableFacts, facts: DatabaseFacts, limits: Limits): Advice[] {
  if (table.changedRows < limits.changed_rows_min) return [];
  if (table.changedRows < table.rows * limits.changed_share_min) return [];
  if (!isOverdue(table.analyzedAt, table, facts, limits)) return [];
  const last = table.analyzedAt ? `since ${table.analyzedAt.toISOString()}` : 'and no ANALYZE of it is on record';
  const misled = facts.statements.filter((statement) => isMisestimated(statement, table));
  const plans = misled.map(
    (statement) =>
      `; ${labelOf(statement)} is planned for ${statement.plannedRows} rows and returns ${meanRows(statement)}`,
  );
  return [
    {
      kind: 'stale_statistics',
      subject: table.name,
      evidence: `${table.changedRows} rows of ${table.name} have changed ${last}${autovacuumOff(table)}${plans.join('')}`,
      statements: [`analyze ${identifier(table.name)}`],
      gain: 'plans that fit the rows that are there',
      lock: LOCKS.analyze,
    },
  ];
}

function isMisestimated(statement: StatementFacts, table: TableFacts): boolean {
  const { plannedRows, scans } = statement;
  const name = table.partitionOf ?? table.name;
  if (plannedRows === undefined || !scans.some((scan) => scan.table === name)) return false;
  const rows = meanRows(statement);
  const [less, more] = [Math.min(rows, plannedRows), Math.max(rows, plannedRows)];
  return more >= MISESTIMATED_ROWS_MIN && more >= Math.max(1, less) * MISESTIMATE_RATIO;
}

function vacuumDebt(table: TableFacts, facts: DatabaseFacts, limits: Limits): Advice[] {
  if (table.deadRows < limits.changed_rows_min) return [];
  if (table.deadRows < table.rows * limits.changed_share_min) return [];
  if (!isOverdue(table.vacuumedAt, table, facts, limits)) return [];
  return [
    {
      kind: 'vacuum_debt',
      subject: table.name,
      evidence: `${table.deadRows} dead rows lie among the ${table.rows} of ${table.name}${autovacuumOff(table)}`,
      statements: [`vacuum (analyze) ${identifier(table.name)}`],
      gain: 'their space is used again, and reads pass over them no more',
      lock: LOCKS.analyze,
    },
  ];
}

/** Undefined where there is nothing to say of its size. Plain VACUUM makes the space usable again, and gives none of it back. */
function bloated(table: TableFacts, limits: Limits): Advice[] | undefined {
  const wasted = wastedBytes(table, limits);
  if (wasted === undefined) return undefined;
  return [
    {
      kind: 'bloated_table',
      subject: table.name,
      evidence: `${table.name} takes ${sizeText(table.bytes)}, and its ${table.rows} rows would fit in ${sizeText(table.bytes - wasted)} (${table.deadRows} dead ones among them)${autovacuumOff(table)}`,
      statements: [`vacuum (full, analyze) ${identifier(table.name)}`],
      gain: `${sizeText(wasted)}; a plain \`vacuum (analyze) ${identifier(table.name)}\` blocks nobody and makes it usable for new rows`,
      lock: LOCKS.exclusive,
    },
  ];
}

/** Autovacuum comes by itself, a little later: only what it has left lying is worth an operator's time. */
function isOverdue(last: Date | null, table: TableFacts, facts: DatabaseFacts, limits: Limits): boolean {
  if (!table.isAutovacuumed) return true;
  return facts.at.getTime() - (last ?? facts.since).getTime() >= limits.autovacuum_grace_s * 1_000;
}

function autovacuumOff({ isAutovacuumed }: TableFacts): string {
  return isAutovacuumed ? '' : ' (autovacuum is switched off for it)';
}

export function meanRows({ rows, calls }: StatementFacts): number {
  return Math.round(rows / Math.max(1, calls));
}

const LABEL_LENGTH_MAX = 80;

/** The statement's name, or the beginning of its text. */
export function labelOf({ name, text }: Pick<StatementFacts, 'name' | 'text'>): string {
  if (name) return name;
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LABEL_LENGTH_MAX ? `${line.slice(0, LABEL_LENGTH_MAX)}…` : line;
}
