import { InvariantTables1763700002000 } from '@payflow/invariants';
import { MessagingTables1763700000000 } from '@payflow/messaging';
import { ArchiverTables1763700001000 } from './migrations/1763700001000-archiver-tables.js';

/** What `payflow setup` runs on the archiver's database, in order. */
export const migrations = [MessagingTables1763700000000, ArchiverTables1763700001000, InvariantTables1763700002000];

export { invariants } from './invariants.js';
