import { MessagingTables1763700000000 } from '@payflow/messaging';
import { PaymentsTables1763700001000 } from './migrations/1763700001000-payments-tables.js';

/** What `payflow setup` runs on the payments database, in order. */
export const migrations = [MessagingTables1763700000000, PaymentsTables1763700001000];
