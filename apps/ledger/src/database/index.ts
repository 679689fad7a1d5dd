import { MessagingTables1763700000000 } from '@payflow/messaging';
import { LedgerTables1763700001000 } from './migrations/1763700001000-ledger-tables.js';

/** What `payflow setup` runs on the ledger's database, in order. */
export const migrations = [MessagingTables1763700000000, LedgerTables1763700001000];
