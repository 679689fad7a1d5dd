import { InvariantTables1763700002000 } from '@payflow/invariants';
import { MessagingTables1763700000000 } from '@payflow/messaging';
import { MonitoringTables1763700001000 } from './migrations/1763700001000-monitoring-tables.js';

/** What `payflow setup` runs on monitoring's database, in order. */
export const migrations = [MessagingTables1763700000000, MonitoringTables1763700001000, InvariantTables1763700002000];

export { invariants } from './invariants.js';
