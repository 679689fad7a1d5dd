import { InvariantTables1763700002000, SumsAreNoCards1764300000001 } from '@payflow/invariants';
import {
  MessagingGuards1763700013000,
  MessagingPartitions1764100040001,
  MessagingTables1763700000000,
  DeadLettersSettled1764700000121,
  OperatorDecisions1764700000141,
  OutboxInOrder1764700000101,
  TestClocks1764400800051,
  SetAsideInOrder1764700000201,
} from '@payflow/messaging';
import { LedgerTables1763700001000 } from './migrations/1763700001000-ledger-tables.js';
import { LedgerChecks1763700002001 } from './migrations/1763700002001-ledger-checks.js';
import { LedgerHolds1763700003000 } from './migrations/1763700003000-ledger-holds.js';
import { LedgerChain1763700004000 } from './migrations/1763700004000-ledger-chain.js';
import { LedgerReads1763700005000 } from './migrations/1763700005000-ledger-reads.js';
import { LedgerSeals1763700006000 } from './migrations/1763700006000-ledger-seals.js';
import { LedgerUnits1763700010000 } from './migrations/1763700010000-ledger-units.js';
import { LedgerTransactionTypes1763700012001 } from './migrations/1763700012001-ledger-transaction-types.js';
import { LedgerAccountStamps1763700015001 } from './migrations/1763700015001-ledger-account-stamps.js';
import { LedgerPeriods1763700012000 } from './migrations/1763700012000-ledger-periods.js';
import { LedgerGuards1763700013001 } from './migrations/1763700013001-ledger-guards.js';
import { LedgerReversalVersions1763700014000 } from './migrations/1763700014000-ledger-reversal-versions.js';
import { LedgerCorrections1763700014001 } from './migrations/1763700014001-ledger-corrections.js';
import { LedgerMetadataVersions1763700014002 } from './migrations/1763700014002-ledger-metadata-versions.js';
import { LedgerHistoryGuards1763700015000 } from './migrations/1763700015000-ledger-history-guards.js';
import { LedgerAccountPaths1764100040003 } from './migrations/1764100040003-ledger-account-paths.js';
import { LedgerHoldsIndex1764100040004 } from './migrations/1764100040004-ledger-holds-index.js';
import { LedgerAsRemembered1764100070001 } from './migrations/1764100070001-ledger-as-remembered.js';
import { LedgerUnitNumbers1764100060002 } from './migrations/1764100060002-ledger-unit-numbers.js';
import { LedgerHoldTypes1764100060004 } from './migrations/1764100060004-ledger-hold-types.js';
import { LedgerTestExpiries1764400800052 } from './migrations/1764400800052-ledger-test-expiries.js';
import { LedgerFloorOfWideLimits1764700000051 } from './migrations/1764700000051-ledger-floor-of-wide-limits.js';
import { rights } from './rights.js';

/** What `payflow setup` runs on the ledger's database, in order, and the rights that its role has then. */
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
  MessagingGuards1763700013000,
  LedgerGuards1763700013001,
  LedgerReversalVersions1763700014000,
  LedgerCorrections1763700014001,
  LedgerMetadataVersions1763700014002,
  LedgerHistoryGuards1763700015000,
  LedgerAccountStamps1763700015001,
  MessagingPartitions1764100040001,
  LedgerAccountPaths1764100040003,
  LedgerHoldsIndex1764100040004,
  LedgerAsRemembered1764100070001,
  LedgerUnitNumbers1764100060002,
  LedgerHoldTypes1764100060004,
  SumsAreNoCards1764300000001,
  TestClocks1764400800051,
  LedgerTestExpiries1764400800052,
  LedgerFloorOfWideLimits1764700000051,
  OutboxInOrder1764700000101,
  DeadLettersSettled1764700000121,
  OperatorDecisions1764700000141,
  SetAsideInOrder1764700000201,
  rights,
];

export { invariants } from './invariants.js';
