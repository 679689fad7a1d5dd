import type { InvariantName } from '@payflow/contracts';
import { statement, type Database, type Statement } from '@payflow/database';
import { counted, type Found } from './found.js';

/** The whole of a check where no single statement may read so much: in steps, each well within the time that one has. */
export type InSteps = (db: Database) => Promise<Found>;

/** One invariant as its owner checks it on its own database. */
export interface Invariant {
  readonly name: InvariantName;
  /** All the time: must cost no more as history grows. Answers with rows of what offends, at most a sample of them. */
  readonly running: Statement;
  /** The whole of it, for `payflow verify`; the same as `running` where that is whole already. */
  readonly full: Statement | InSteps;
  /** Moves a checkpoint that `running` builds on; answers a row for as long as there is more to move. */
  readonly advance: Statement | undefined;
  /** Between two checks, ms; longer when a check takes long. */
  readonly interval_ms: number;
}

export interface InvariantDeclaration {
  readonly name: InvariantName;
  /** Whose check it is; part of the statement's name. */
  readonly owner: string;
  /** A query for offending rows with a column `id`: what to look for, never a secret's own text. No row: the invariant holds. */
  readonly running: string;
  readonly full?: string | InSteps;
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
    full: typeof full === 'function' ? full : named('full', counted(full ?? running)),
    advance: advance === undefined ? undefined : named('advance', advance),
    interval_ms: interval_ms ?? INTERVAL_MS,
  };
}
