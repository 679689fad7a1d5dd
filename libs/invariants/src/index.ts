export {
  PAYMENTS_MAX,
  SETTLED_S,
  paymentKeyColumns,
  paymentKeysOf,
  statesAgree,
  type AcknowledgedPage,
  type PaymentKey,
  type PaymentState,
} from './acknowledged.js';
export { FORWARDED_PAGE_BYTES_MAX, readForwardedPage, type ForwardedPage } from './http/forwarded-page.js';
export { ForwardedReads, ReadPriority } from './http/forwarded-reads.js';
export { InternalGuard, INTERNAL_SECRET, RequiresScope, claimsOf, internalHeaders } from './http/internal.guard.js';
export { AWAKE_S } from './awake.js';
export { CHECK_TIMEOUT_MS, checkInvariant, checkInvariants, orWhyNot, type Checked } from './check.js';
export { restOf_ms } from './check-loop.js';
export { CheckResults, type CheckResult } from './check-results.js';
export { DatabaseReports } from './database-reports.js';
export { noOldOutboxRow } from './checks/outbox-age.js';
export { noSecrets, type SecretSource, type SecretTable } from './checks/secrets.js';
export { MARKS, TALLIED, isCountable, markedSince, oneMarkPerMessage } from './checks/marks.js';
export { recentOutbox, WINDOW_MESSAGES_MAX } from './checks/outbox-window.js';
export { INVARIANT_RIGHTS } from './database/invariant-rights.js';
export { InvariantTables1763700002000 } from './database/invariant-tables.js';
export { SumsAreNoCards1764300000001 } from './database/sums-are-no-cards.js';
export { foundAll, inParts, NOTHING_FOUND, part, together, type Found, type Part, type QueryPart } from './found.js';
export { keyedOnce, overPages, type KeyColumn, type KeyedByTime, type Paged } from './page-walk.js';
export { invariant, type InSteps, type Invariant } from './invariant.js';
export { InvariantsModule, type InvariantsOptions } from './invariants.module.js';
export { positions, type ReaderPosition } from './positions.js';
export { compareTallies, readersCompared, tellMismatch, type TallyMismatch } from './tallies/compare.js';
export { readTallies } from './tallies/tallies.repository.js';
export type { DayTally, SetAsideTally, TallyReport } from './tallies/report.js';
