import type { InvariantName } from '@payflow/contracts';
import { statement, type Statement } from '@payflow/database';

/** Offending rows that are named in a result; the count is always whole. */
const SAMPLE_ROWS = 10;

/** One invariant as its owner checks it on its own database. */
export interface Invariant {
  readonly name: InvariantName;
  /** All the time: must cost no more as history grows. Answers with {@link OffendingRow}s, at most a sample of them. */
  readonly running: Statement;
  /** The whole of it, for `payflow verify`; the same as `running` where that is whole already. */
  readonly full: Statement;
  /** Moves a checkpoint that `running` builds on; answers a row for as long as there is more to move. */
  readonly advance: Statement | undefined;
  /** Between two checks, ms; longer when a check takes long. */
  readonly interval_ms: number;
}

export interface OffendingRow {
  readonly id: string;
  /** How many rows offend in all. */
  readonly violations: number;
}

export interface InvariantDeclaration {
  readonly name: InvariantName;
  /** Whose check it is; part of the statement's name. */
  readonly owner: string;
  /** A query for offending rows with a column `id`: what to look for, never a secret's own text. No row: the invariant holds. */
  readonly running: string;
  readonly full?: string;
  readonly advance?: string;
  readonly interval_ms?: number;
}

const INTERVAL_MS = 30_000;

/** Declares a check. `name` and `owner` name the prepared statements, so a service declares each invariant once. */
export function invariant({ name, owner, running, full, advance, interval_ms }: InvariantDeclaration): Invariant {
  const named = (kind: string, text: string) => statement(`invariant.${owner}.${name}.${kind}`, text);
  return {
    name,
    running: named('running', counted(running)),
    full: named('full', counted(full ?? running)),
    advance: advance === undefined ? undefined : named('advance', advance),
    interval_ms: interval_ms ?? INTERVAL_MS,
  };
}

function counted(query: string): string {
  return `select id::text as id, (count(*) over ())::integer as violations from (${query}) as offending limit ${SAMPLE_ROWS}`;
}
