import type { Explaining } from '../care/explain.js';
import { LIMITS, type Advice, type Limits } from './advice.js';
import { advise } from './advise.js';
import type { DatabaseFacts } from './facts.js';
import { gatherFacts } from './gather.js';
import { hypopg, tryOut } from './hypothetical.js';

export interface IndexSize {
  readonly index: string;
  readonly bytes: number;
  readonly scans: number;
}

/** A table with its partitions. */
export interface TableSize {
  readonly table: string;
  readonly rows: number;
  readonly bytes: number;
  readonly partitions: number;
  readonly indexes: readonly IndexSize[];
}

export interface AdviceToTake extends Omit<Advice, 'candidate'> {
  /** Whether the index was tried out; null where there is none to try. */
  readonly tried_out: boolean | null;
}

/** How one database is, in figures, and what could be done about it. */
export interface DatabaseReport {
  readonly at: string;
  readonly counted_since: string;
  /** Why statements are not counted, where they are not: there is then no advice on them. */
  readonly uncounted: string | null;
  readonly bytes: number;
  readonly tables: readonly TableSize[];
  readonly advice: readonly AdviceToTake[];
}

/** What the facts suggest, before it is made a report of. */
export interface Suggestions {
  readonly facts: DatabaseFacts;
  readonly advices: readonly Advice[];
  /** Whether the indexes among them were tried out, and only those are left that help. */
  readonly triedOut: boolean;
}

/** Reads the facts on a connection of the service's own role. Changes nothing; where the server has hypopg, indexes are tried out. */
export async function suggest(client: Explaining, limits: Limits = LIMITS): Promise<Suggestions> {
  const facts = await gatherFacts(client);
  const advices = advise(facts, limits);
  const hypotheses = await hypopg(client);
  if (!hypotheses) return { facts, advices, triedOut: false };
  return { facts, advices: await tryOut(client, advices, hypotheses), triedOut: true };
}

export function reportFrom({ facts, advices, triedOut }: Suggestions): DatabaseReport {
  return {
    at: facts.at.toISOString(),
    counted_since: facts.since.toISOString(),
    uncounted: facts.uncounted ?? null,
    bytes: facts.bytes,
    tables: sizesOf(facts),
    advice: advices.map(({ candidate, ...advice }) => ({ ...advice, tried_out: candidate ? triedOut : null })),
  };
}

function sizesOf({ tables, indexes }: DatabaseFacts): TableSize[] {
  return tables
    .filter(({ partitionOf }) => partitionOf === null)
    .map(({ name }) => {
      const parts = tables.filter((table) => table.name === name || table.partitionOf === name);
      const leaves = parts.filter(({ isPartitioned }) => !isPartitioned);
      return {
        table: name,
        rows: sum(leaves.map(({ rows }) => rows)),
        bytes: sum(leaves.map(({ bytes }) => bytes)),
        partitions: leaves.filter((leaf) => leaf.partitionOf !== null).length,
        indexes: indexes
          .filter((index) => index.table === name && index.partOf === null)
          .map(({ name: index, bytes, scans }) => ({ index, bytes, scans })),
      };
    })
    .toSorted((one, other) => other.bytes - one.bytes);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
