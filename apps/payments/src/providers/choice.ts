import type { Connector } from '@payflow/connectors';
import type { Attempt } from './attempt.js';

/** Which connector is to be asked, and why it and no other: kept with the attempt. */
export interface Choice {
  readonly connector: Connector;
  readonly explained: object;
}

/** Chooses among all but those that were tried; undefined where nobody is left. */
export type Choose = (attempt: Attempt) => Promise<Choice | undefined>;
