export * from './attempt.js';
export * from './crash-points.js';
export * from './declines.js';
export * from './ids.js';
export * from './invariants.js';
export * from './messages.js';
export { BLOCK_KINDS, SUSPICIONS } from './messages/access.js';
export type * from './messages/access.js';
export { ACCOUNT_KINDS, ACCOUNT_STATES } from './messages/account.js';
export type * from './messages/account.js';
export { ASSET_NAME_LENGTH_MAX, ASSET_SCALE_MAX, TENANT_ASSETS_MAX } from './messages/asset.js';
export type * from './messages/asset.js';
export { BREAKDOWN_KINDS, BREAKDOWN_PARTS_MAX } from './messages/breakdown.js';
export type * from './messages/breakdown.js';
export type * from './messages/condition.js';
export type * from './messages/conversion.js';
export type * from './messages/correction.js';
export { DISPUTE_LEGS, DISPUTE_STATUSES, EVIDENCE_LENGTH_MAX, EVIDENCE_PARTS_MAX } from './messages/dispute.js';
export type * from './messages/dispute.js';
export type * from './messages/hold.js';
export {
  LIMITED_METHODS,
  LIMITS_MAX,
  LIMIT_KINDS,
  LIMIT_SCOPES,
  VELOCITY_COUNT_MAX,
  VELOCITY_MINUTES_MAX,
} from './messages/limit.js';
export type * from './messages/limit.js';
export type * from './messages/overdraft.js';
export { NOTICE_KINDS, OPERATION_KINDS, PROVIDER_OUTCOMES } from './messages/operation.js';
export type * from './messages/operation.js';
export { CAPTURE_MODES, PAYMENT_STATUSES } from './messages/payment.js';
export type * from './messages/payment.js';
export { GROUP_ACCOUNTS_MAX, GROUP_TYPES_MAX, LEGS_MAX } from './messages/group.js';
export type * from './messages/group.js';
export { MONTH_PATTERN } from './messages/period.js';
export type * from './messages/period.js';
export { REVIEW_DECISIONS, REVIEW_REASON_LENGTH_MAX, REVIEW_STATUSES } from './messages/review.js';
export type * from './messages/review.js';
export {
  RISK_RULES_MAX,
  RISK_VERDICTS,
  RULE_CONDITIONS,
  RULE_PRIORITY_MAX,
  VELOCITY_SUBJECTS,
} from './messages/risk-rule.js';
export type * from './messages/risk-rule.js';
export {
  ACCOUNT_PATTERNS_MAX,
  PATH_PATTERN_PATTERN,
  TEMPLATE_LEGS_MAX,
  TEMPLATE_PLACES,
  TYPE_NAME_PATTERN,
} from './messages/transaction-type.js';
export type * from './messages/transaction-type.js';
export { LEDGER_SUBJECT } from './messages/seal.js';
export type * from './messages/seal.js';
export { TEST_CLOCK_AHEAD_MAX_MS, type TestClock } from './messages/test-clock.js';
export { TRANSFER_KINDS } from './messages/transfer.js';
export type * from './messages/transfer.js';
export type * from './messages/transfer-update.js';
export * from './partition.js';
export * from './problems.js';
export * from './refusals.js';
export * from './telemetry-names.js';
export * from './topology.js';
export type { JsonSchema } from './json-schema.js';
