import type { PlanNode } from '../care/explain.js';
import type { ComparedColumn, ScanFacts } from './facts.js';

/** `column = …`, `(t.column)::text >= …`, `column = any (…)`: as Postgres writes a condition. */
const COMPARISON = /\(*(?:[a-z_]\w*\.)?"?([a-z_]\w*)"?\)?(?:::[a-z ]+)?\s+(=|<=|>=|<|>)\s/gi;
/** An index serves one side of it at best. */
const ALTERNATIVE = / OR |\(NOT /;

export interface KnownTable {
  /** The table itself, or the partitioned one that it is a part of. */
  readonly table: string;
  readonly columns: readonly string[];
  /** Of how many partitions it is one; 0 where there are none. */
  readonly siblings: number;
  /** The columns that its partitions are told apart by. */
  readonly key: readonly string[];
}

/**
 * What a plan reads, table by table, all partitions of one together. `planned` is made with partition pruning switched off, so
 * that every partition shows how it would be read; `pruned` with it, and tells how many of them are.
 */
export function scansOf(
  planned: PlanNode,
  pruned: PlanNode,
  known: (relation: string) => KnownTable | undefined,
): ScanFacts[] {
  const scans = new Map<string, ScanFacts>();
  for (const { node, above } of nodesOf(planned, NOTHING_ABOVE)) {
    const place = placeOf(node, known);
    if (!place) continue;
    const before = scans.get(place.table);
    const scan = scanOf(node, place, above);
    scans.set(place.table, {
      ...(scan.isWasteful || !before ? scan : before),
      isSequential: scan.isSequential || (before?.isSequential ?? false),
      keptRows: node['Plan Rows'] + (before?.keptRows ?? 0),
      partitions: place.siblings > 0 ? partitionsOf(place, planned, pruned, known) : null,
    });
  }
  return [...scans.values()];
}

interface Above {
  readonly isFolded: boolean;
  readonly isLimited: boolean;
}

const NOTHING_ABOVE: Above = { isFolded: false, isLimited: false };

/** Some hundred pages: what an index throws away below that is not felt. */
const WASTEFUL_COST_MIN = 500;

function scanOf(node: PlanNode, { table, columns }: KnownTable, { isFolded, isLimited }: Above): ScanFacts {
  const isSequential = node['Node Type'] === 'Seq Scan';
  const filtered = comparedIn(node.Filter, columns);
  // The cost of a scan under LIMIT is that of going on to the end, which it does not.
  const isFiltering = filtered.length > 0 && !isLimited && node['Total Cost'] >= WASTEFUL_COST_MIN;
  const compared = isSequential ? filtered : together([...comparedIn(conditionOf(node), columns), ...filtered]);
  const isWasteful = isSequential || isFiltering;
  return { table, isSequential, isWasteful, compared, keptRows: node['Plan Rows'], isFolded, partitions: null };
}

/** What a node looked its index up with; that of a bitmap stands in the node below. */
function conditionOf(node: PlanNode): string | undefined {
  return node['Index Cond'] ?? node.Plans?.find((child) => child['Index Cond'])?.['Index Cond'];
}

function together(compared: readonly ComparedColumn[]): ComparedColumn[] {
  const byColumn = new Map<string, ComparedColumn>();
  for (const one of compared) if (!byColumn.get(one.column)?.isEquality) byColumn.set(one.column, one);
  return [...byColumn.values()];
}

function placeOf(node: PlanNode, known: (relation: string) => KnownTable | undefined): KnownTable | undefined {
  if (node['Node Type'] === 'ModifyTable' || node['Relation Name'] === undefined) return undefined;
  return known(node['Relation Name']);
}

function partitionsOf(
  { table, siblings, key }: KnownTable,
  planned: PlanNode,
  pruned: PlanNode,
  known: (relation: string) => KnownTable | undefined,
): ScanFacts['partitions'] {
  return {
    read: readOf(pruned, table, known),
    all: siblings,
    isKeyNamed: key.some((column) => names(planned, column)),
  };
}

/** A join on the key prunes as well, row by row, which no plan shows before it runs. */
function names(plan: PlanNode, column: string): boolean {
  const word = new RegExp(`\\b${column}\\b`);
  return [...nodesOf(plan, NOTHING_ABOVE)].some(({ node }) =>
    Object.entries(node).some(
      ([property, value]) => /(Cond|Filter)$/.test(property) && typeof value === 'string' && word.test(value),
    ),
  );
}

function readOf(pruned: PlanNode, table: string, known: (relation: string) => KnownTable | undefined): number {
  const read = new Set<string>();
  for (const { node } of nodesOf(pruned, NOTHING_ABOVE))
    if (placeOf(node, known)?.table === table) read.add(node['Relation Name'] as string);
  return read.size;
}

function* nodesOf(node: PlanNode, above: Above): Generator<{ node: PlanNode; above: Above }> {
  yield { node, above };
  const type = node['Node Type'];
  const below = {
    isFolded: above.isFolded || type === 'Aggregate' || type === 'WindowAgg',
    isLimited: above.isLimited || type === 'Limit',
  };
  for (const child of node.Plans ?? []) yield* nodesOf(child, below);
}

/** The columns that a filter compares with something that an index could be searched for. */
export function comparedIn(filter: string | undefined, columns: readonly string[]): ComparedColumn[] {
  if (filter === undefined || ALTERNATIVE.test(filter)) return [];
  const found = new Map<string, boolean>();
  for (const [, column = '', operator] of filter.matchAll(COMPARISON)) {
    if (columns.includes(column)) found.set(column, (found.get(column) ?? false) || operator === '=');
  }
  return [...found].map(([column, isEquality]) => ({ column, isEquality }));
}
