import { LOCKS, identifier, type Advice, type Limits } from './advice.js';
import type { DatabaseFacts, IndexFacts, ScanFacts, StatementFacts } from './facts.js';
import { labelOf, meanRows } from './table-advice.js';

/** Names of Postgres end at 63 bytes. */
const NAME_LENGTH_MAX = 63;
/**
 * How near the executions of one statement must come to the rows of another to be one for each: code that does it is exact but for
 * what is on its way, and clients that read once what they wrote seldom are.
 */
const ONE_FOR_EACH_TOLERANCE = 0.01;
const ONE_FOR_EACH_CALLS_MIN = 200;

/** What the statements themselves show: rows that are read to be thrown away, partitions read in vain, one statement per row. */
export function adviseOnWorkload(facts: DatabaseFacts, limits: Limits): Advice[] {
  const frequent = facts.statements.filter(
    ({ calls, mean_ms }) => calls >= limits.calls_min && mean_ms >= limits.mean_ms_min,
  );
  return [
    ...merged(
      frequent.flatMap((statement) => statement.scans.flatMap((scan) => onScan(scan, statement, facts, limits))),
    ),
    ...frequent.flatMap((statement) => statement.scans.flatMap((scan) => pruningMiss(scan, statement, limits))),
    ...repeated(facts, limits),
  ];
}

/** Several statements may want the same index: it is advised once, with all of them. */
function merged(advices: readonly Advice[]): Advice[] {
  const bySubject = new Map<string, Advice>();
  for (const advice of advices) {
    const key = `${advice.kind} ${advice.subject}`;
    const known = bySubject.get(key);
    bySubject.set(key, known ? { ...known, evidence: `${known.evidence}; ${advice.evidence}` } : advice);
  }
  return [...bySubject.values()];
}

function onScan(scan: ScanFacts, statement: StatementFacts, facts: DatabaseFacts, limits: Limits): Advice[] {
  const rows = rowsOf(scan.table, facts);
  if (!scan.isWasteful || rows < limits.table_rows_min) return [];
  const seen = `${labelOf(statement)} (${statement.calls} times, ${statement.mean_ms.toFixed(1)} ms each)`;
  const columns = keyColumns(scan);
  if (columns.length === 0 || scan.keptRows > rows * limits.kept_share_max) {
    // A statement that wants most of a table has to read it.
    return scan.compared.length > 0 ? [] : wholeTable(scan, statement, rows, seen);
  }
  const there = facts.indexes.filter((index) => index.table === scan.table && index.partOf === null && index.isValid);
  if (there.some((index) => serves(index, scan))) return [];
  const turned = there.find((index) => hasAll(index, columns));
  const name = `${scan.table}_${columns.join('_')}_idx`.slice(0, NAME_LENGTH_MAX);
  const partitions = facts.tables.filter(({ partitionOf }) => partitionOf === scan.table).map((table) => table.name);
  const advice = {
    statements: creating(name, scan.table, columns, partitions),
    gain: `about ${Math.max(1, Math.round(scan.keptRows))} rows read in the place of ${scan.isSequential ? rows : 'many'}`,
    lock:
      partitions.length > 0
        ? `${LOCKS.concurrently}; the first and each attaching keep writers out for an instant`
        : LOCKS.concurrently,
    candidate: { table: scan.table, columns, text: statement.text },
  };
  const read = scan.isSequential ? `all ${rows} rows of ${scan.table}` : `many of the ${rows} rows of ${scan.table}`;
  const evidence = `${seen} reads ${read} to keep those of one ${columns.join(', ')}`;
  if (!turned)
    return [{ kind: 'missing_index', subject: `${scan.table} (${columns.join(', ')})`, evidence, ...advice }];
  const other = `; ${turned.name} (${turned.columns.join(', ')}) has what it needs in an order that it cannot use`;
  return [{ kind: 'wrong_column_order', subject: turned.name, evidence: `${evidence}${other}`, ...advice }];
}

/** Equalities in front: each narrows the search, and whatever stands behind a range narrows nothing. One range at most. */
function keyColumns({ compared }: ScanFacts): string[] {
  const equal = compared.filter(({ isEquality }) => isEquality).map(({ column }) => column);
  const range = compared.find(({ isEquality, column }) => !isEquality && !equal.includes(column));
  return [...new Set([...equal, ...(range ? [range.column] : [])])];
}

/** An index that the scan could have used, and the planner has not: another one would not be used either. */
function serves(index: IndexFacts, { compared }: ScanFacts): boolean {
  const equal = new Set(compared.filter(({ isEquality }) => isEquality).map(({ column }) => column));
  const wanted = equal.size > 0 ? equal : new Set(compared.map(({ column }) => column));
  const front = index.columns.slice(0, wanted.size);
  return front.length === wanted.size && front.every((column) => wanted.has(column));
}

function hasAll(index: IndexFacts, columns: readonly string[]): boolean {
  return index.predicate === null && columns.every((column) => index.columns.includes(column));
}

/** Concurrently, also where the table is partitioned: part by part, and then all of them together. */
function creating(name: string, table: string, columns: readonly string[], partitions: readonly string[]): string[] {
  const key = `(${columns.map(identifier).join(', ')})`;
  if (partitions.length === 0) return [`create index concurrently ${identifier(name)} on ${identifier(table)} ${key}`];
  const parts = partitions.map((partition) => ({
    partition,
    part: `${partition}_${columns.join('_')}_idx`.slice(0, NAME_LENGTH_MAX),
  }));
  return [
    `create index ${identifier(name)} on only ${identifier(table)} ${key}`,
    ...parts.flatMap(({ partition, part }) => [
      `create index concurrently ${identifier(part)} on ${identifier(partition)} ${key}`,
      `alter index ${identifier(name)} attach partition ${identifier(part)}`,
    ]),
  ];
}

function wholeTable(scan: ScanFacts, statement: StatementFacts, rows: number, seen: string): Advice[] {
  // Read to the end and returned, or folded into a sum: only what is thrown away in the end could have been spared.
  if (scan.isFolded || meanRows(statement) > rows / 2) return [];
  return [
    {
      kind: 'sequential_scan',
      subject: `${labelOf(statement)} on ${scan.table}`,
      evidence: `${seen} reads all ${rows} rows of ${scan.table} with no condition, for ${meanRows(statement)} of its own`,
      statements: [],
      gain: 'with a condition or a figure that is kept up to date, its time no longer grows with the table',
      lock: LOCKS.none,
    },
  ];
}

function pruningMiss({ table, partitions }: ScanFacts, statement: StatementFacts, limits: Limits): Advice[] {
  if (!partitions || partitions.all < limits.partitions_min || partitions.read < partitions.all) return [];
  if (partitions.isKeyNamed || statement.calls * statement.mean_ms < limits.pruning_total_ms_min) return [];
  return [
    {
      kind: 'pruning_miss',
      subject: `${labelOf(statement)} on ${table}`,
      evidence: `${labelOf(statement)} (${statement.calls} times, ${statement.mean_ms.toFixed(1)} ms each) looks into all ${partitions.all} partitions of ${table}: nothing in it names their key`,
      statements: [],
      gain: `with a bound on the key, one partition is read in the place of ${partitions.all}`,
      lock: LOCKS.none,
    },
  ];
}

/**
 * A statement that is executed once for each row that another returns, and returns one row at most: it should have been part
 * of that other, or asked once for all of them.
 */
function repeated({ statements }: DatabaseFacts, limits: Limits): Advice[] {
  // Advice reads the catalogue: some hundred rows, near which the count of whatever runs by a timer comes at some moment.
  const lists = statements.filter((one) => isSelect(one) && !/\bpg_(class|index|inherits|attribute)\b/.test(one.text));
  return statements.flatMap((one) => {
    if (one.calls < ONE_FOR_EACH_CALLS_MIN || one.rows > one.calls || !isSelect(one)) return [];
    const peer = lists.find((other) => other !== one && isOneForEach(one, other, limits));
    if (!peer) return [];
    return [
      {
        kind: 'repeated_statement' as const,
        subject: labelOf(one),
        evidence: `${labelOf(one)} was executed ${one.calls} times, once for each of the ${peer.rows} rows of ${labelOf(peer)}, which was executed ${peer.calls} times`,
        statements: [],
        gain: `${one.calls - peer.calls} executions less: join it, or ask for all rows at once with \`= any ($1)\``,
        lock: LOCKS.none,
      },
    ];
  });
}

function isSelect({ text }: StatementFacts): boolean {
  return /^\s*select\b/i.test(text);
}

function isOneForEach(one: StatementFacts, peer: StatementFacts, limits: Limits): boolean {
  if (peer.rows < peer.calls * limits.repeats_min || one.calls < peer.calls * limits.repeats_min) return false;
  return Math.abs(one.calls - peer.rows) <= peer.rows * ONE_FOR_EACH_TOLERANCE;
}

function rowsOf(table: string, { tables }: DatabaseFacts): number {
  return tables
    .filter(({ name, partitionOf, isPartitioned }) => !isPartitioned && (name === table || partitionOf === table))
    .reduce((sum, { rows }) => sum + rows, 0);
}
