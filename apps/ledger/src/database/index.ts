import { InvariantTables1763700002000 } from '@payflow/invariants';
import { MessagingTables1763700000000 } from '@payflow/messaging';
import { LedgerTables1763700001000 } from './migrations/1763700001000-ledger-tables.js';
import { LedgerChecks1763700002001 } from './migrations/1763700002001-ledger-checks.js';
import { LedgerHolds1763700003000 } from './migrations/1763700003000-ledger-holds.js';
import { LedgerChain1763700004000 } from './migrations/1763700004000-ledger-chain.js';
import { LedgerReads1763700005000 } from './migrations/1763700005000-ledger-reads.js';
import { LedgerSeals1763700006000 } from './migrations/1763700006000-ledger-seals.js';
import { LedgerUnits1763700010000 } from './migrations/1763700010000-ledger-units.js';
import { LedgerTransactionTypes1763700012001 } from './migrations/1763700012001-ledger-transaction-types.js';
import { LedgerAccountStamps1763700015000 } from './migrations/1763700015000-ledger-account-stamps.js';
import { LedgerPeriods1763700012000 } from './migrations/1763700012000-ledger-periods.js';

/** What `payflow setup` runs on the ledger's database, in order. */
export const migrations = [
  MessagingTables1763700000000,
  LedgerTables1763700001000,
  InvariantTables1763700002000,
  LedgerChecks1763700002001,
  LedgerHolds1763700003000,
  LedgerChain1763700004000,
  LedgerReads1763700005000,
  LedgerSeals1763700006000,
  LedgerUnits1763700010000,
  LedgerPeriods1763700012000,
  LedgerTransactionTypes1763700012001,
  LedgerAccountStamps1763700015000,
];

export { invariants } from './invariants.js';
