import type { NewJob } from '@payflow/jobs';
import type { AnyOutgoing } from '@payflow/messaging';
import type { Attempt } from './attempt.js';
import type { InsertedAttempt, KeptEvidence, Move } from './attempt.repository.js';

/** What becomes of an attempt, as data: the notes on many are written down together. */
export interface Note<T> {
  /** What whoever noted it hears once it is committed. */
  readonly result: T;
  readonly move?: Move;
  readonly evidence?: KeptEvidence;
  /** The same wish, for the next connector. */
  readonly other?: InsertedAttempt;
  readonly jobs?: readonly NewJob[];
  readonly told?: readonly AnyOutgoing[];
}

/** Decides under the attempt's lock; may run again before anything of it is committed. Undefined: there is no such attempt. */
export type Decide<T> = (attempt: Attempt | undefined) => Note<T> | Promise<Note<T>>;
