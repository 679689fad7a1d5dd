import { LOCKS, identifier, sizeText, type Advice, type Limits } from './advice.js';
import type { DatabaseFacts, IndexFacts, TableFacts } from './facts.js';

/** Indexes that cost more than they are worth: broken, twice there, never used, or mostly air. One advice per index. */
export function adviseOnIndexes(facts: DatabaseFacts, limits: Limits): Advice[] {
  const tops = facts.indexes.filter(({ partOf }) => partOf === null);
  const told = new Set<string>();
  const once = (advice: Advice | undefined): Advice[] => {
    if (!advice || told.has(advice.subject)) return [];
    told.add(advice.subject);
    return [advice];
  };
  return [
    ...tops.flatMap((index) => once(invalid(index))),
    ...tops.flatMap((index) => once(duplicate(index, tops))),
    ...tops.flatMap((index) => once(unused(index, facts, limits))),
    ...facts.indexes.filter(({ isPartitioned }) => !isPartitioned).flatMap((index) => once(bloated(index, limits))),
  ];
}

function invalid(index: IndexFacts): Advice | undefined {
  if (index.isValid) return undefined;
  return {
    kind: 'invalid_index',
    subject: index.name,
    evidence: `${index.name} on ${index.table} is not valid: building it was broken off, and it is written and never read`,
    statements: index.isPartitioned ? [] : [`drop index concurrently ${identifier(index.name)}`],
    gain: `${sizeText(index.bytes)}, and a write of ${index.table} has one index less to keep`,
    lock: LOCKS.concurrently,
  };
}

function duplicate(index: IndexFacts, all: readonly IndexFacts[]): Advice | undefined {
  if (index.backsConstraint || !index.isValid || index.method !== 'btree') return undefined;
  const better = all.find((other) => other !== index && makesNeedless(other, index));
  if (!better) return undefined;
  const how =
    better.columns.length === index.columns.length
      ? 'has the same columns'
      : 'begins with the same columns and has more';
  return {
    kind: 'duplicate_index',
    subject: index.name,
    evidence: `${better.name} on ${index.table} (${better.columns.join(', ')}) ${how} as ${index.name} (${index.columns.join(', ')})`,
    ...dropping(index),
  };
}

/** Whether everything that `index` is good for, `other` is good for too. Of two that are equal, the one with the later name goes. */
function makesNeedless(other: IndexFacts, index: IndexFacts): boolean {
  if (other.table !== index.table || other.method !== index.method || !other.isValid) return false;
  if (other.predicate !== index.predicate) return false;
  const isPrefix = index.columns.every(
    (column, at) => other.columns[at] === column && other.traits[at] === index.traits[at],
  );
  if (!isPrefix) return false;
  const has = new Set([...other.columns, ...other.included]);
  if (!index.included.every((column) => has.has(column))) return false;
  const isSame = other.columns.length === index.columns.length;
  if (index.isUnique) return isSame && other.isUnique && (other.backsConstraint || other.name < index.name);
  const isEqual = isSame && other.included.length === index.included.length;
  return !isEqual || other.isUnique || other.backsConstraint || other.name < index.name;
}

function unused(index: IndexFacts, facts: DatabaseFacts, limits: Limits): Advice | undefined {
  const observed_s = (facts.at.getTime() - facts.since.getTime()) / 1_000;
  if (index.scans > 0 || index.isUnique || index.backsConstraint || !index.isValid) return undefined;
  if (observed_s < limits.observed_s_min) return undefined;
  const reads = facts.tables
    .filter((table) => table.name === index.table || table.partitionOf === index.table)
    .reduce((sum, table) => sum + table.indexScans + table.sequentialScans, 0);
  if (reads < limits.reads_min) return undefined;
  return {
    kind: 'unused_index',
    subject: index.name,
    evidence: `no statement has used ${index.name} since ${facts.since.toISOString()}, while ${index.table} was read ${reads} times`,
    ...dropping(index),
  };
}

function dropping(index: IndexFacts): Pick<Advice, 'statements' | 'gain' | 'lock'> {
  const gain = `${sizeText(index.bytes)}, and a write of ${index.table} has one index less to keep`;
  // Postgres drops an index of a partitioned table with all its parts, and cannot do that concurrently.
  return index.isPartitioned
    ? {
        statements: [`set lock_timeout = '2s'`, `drop index ${identifier(index.name)}`],
        gain,
        lock: LOCKS.exclusive,
      }
    : { statements: [`drop index concurrently ${identifier(index.name)}`], gain, lock: LOCKS.concurrently };
}

function bloated(index: IndexFacts, limits: Limits): Advice | undefined {
  const wasted = wastedBytes(index, limits);
  if (wasted === undefined || index.method !== 'btree' || !index.isValid) return undefined;
  return {
    kind: 'bloated_index',
    subject: index.name,
    evidence: `${index.name} on ${index.table} takes ${sizeText(index.bytes)}, and what is in it would fit in ${sizeText(index.bytes - wasted)}`,
    statements: [`reindex index concurrently ${identifier(index.name)}`],
    gain: sizeText(wasted),
    lock: LOCKS.concurrently,
  };
}

/** Bytes beyond what the content needs; undefined where that is not known, or not worth mentioning. */
export function wastedBytes(
  { bytes, expectedBytes }: Pick<IndexFacts | TableFacts, 'bytes' | 'expectedBytes'>,
  limits: Limits,
): number | undefined {
  if (expectedBytes === null) return undefined;
  const wasted = bytes - expectedBytes;
  return wasted >= limits.bloat_bytes_min && bytes >= expectedBytes * limits.bloat_ratio_min ? wasted : undefined;
}
