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
import { JobQueue1764200500001, JobTables1764200500002 } from '@payflow/jobs';
import { PaymentsTables1763700001000 } from './migrations/1763700001000-payments-tables.js';
import { PaymentsChecks1763700002001 } from './migrations/1763700002001-payments-checks.js';
import { PaymentLife1764200000001 } from './migrations/1764200000001-payment-life.js';
import { OperationsAtWork1764200100001 } from './migrations/1764200100001-operations-at-work.js';
import { PaymentDivisions1764200800001 } from './migrations/1764200800001-payment-divisions.js';
import { AttemptReads1764200910001 } from './migrations/1764200910001-attempt-reads.js';
import { Routes1764200400001 } from './migrations/1764200400001-routes.js';
import { AttemptsInWork1764200500003 } from './migrations/1764200500003-attempts-in-work.js';
import { PaymentDisputes1764200700002 } from './migrations/1764200700002-payment-disputes.js';
import { PaymentLimits1764200600001 } from './migrations/1764200600001-payment-limits.js';
import { PaymentTestExpiries1764400800052 } from './migrations/1764400800052-payment-test-expiries.js';
import { PaymentsKeysFirst1764500200001 } from './migrations/1764500200001-payments-keys-first.js';
import { PaymentsKeysReplaced1764500200002 } from './migrations/1764500200002-payments-keys-replaced.js';
import { LimitsDeleted1764600600001 } from './migrations/1764600600001-limits-deleted.js';
import { RiskRulesDeleted1764700000002 } from './migrations/1764700000002-risk-rules-deleted.js';
import { RiskRulesCountAnew1764700000021 } from './migrations/1764700000021-risk-rules-count-anew.js';
import { LimitsCountAnew1764700000022 } from './migrations/1764700000022-limits-count-anew.js';
import { PaymentRetries1764700000023 } from './migrations/1764700000023-payment-retries.js';
import { LimitReservationsBase1764700000032 } from './migrations/1764700000032-limit-reservations-base.js';
import { PaymentRetriesOfRetries1764700000031 } from './migrations/1764700000031-payment-retries-of-retries.js';
import { DisputesUndecided1764700000063 } from './migrations/1764700000063-disputes-undecided.js';
import { AttemptTransitions1764700000070 } from './migrations/1764700000070-attempt-transitions.js';
import { AttemptsRoutedByOwner1764700000071 } from './migrations/1764700000071-attempts-routed-by-owner.js';
import { RouteDecisions1764700000171 } from './migrations/1764700000171-route-decisions.js';
import { RoutesPut1764700000181 } from './migrations/1764700000181-routes-put.js';
import { DisputesAsked1764700000191 } from './migrations/1764700000191-disputes-asked.js';
import { DisputesToAskAbout1764700000192 } from './migrations/1764700000192-disputes-to-ask-about.js';
import { rights } from './rights.js';

/** What `payflow setup` runs on the payments database, in order, and the rights that its role has then. */
export const migrations = [
  MessagingTables1763700000000,
  PaymentsTables1763700001000,
  InvariantTables1763700002000,
  PaymentsChecks1763700002001,
  MessagingGuards1763700013000,
  MessagingPartitions1764100040001,
  PaymentLife1764200000001,
  Routes1764200400001,
  JobQueue1764200500001,
  JobTables1764200500002,
  OperationsAtWork1764200100001,
  PaymentDivisions1764200800001,
  AttemptsInWork1764200500003,
  PaymentDisputes1764200700002,
  PaymentLimits1764200600001,
  AttemptReads1764200910001,
  SumsAreNoCards1764300000001,
  TestClocks1764400800051,
  PaymentTestExpiries1764400800052,
  PaymentsKeysFirst1764500200001,
  PaymentsKeysReplaced1764500200002,
  LimitsDeleted1764600600001,
  RiskRulesDeleted1764700000002,
  RiskRulesCountAnew1764700000021,
  LimitsCountAnew1764700000022,
  PaymentRetries1764700000023,
  PaymentRetriesOfRetries1764700000031,
  LimitReservationsBase1764700000032,
  DisputesUndecided1764700000063,
  AttemptTransitions1764700000070,
  AttemptsRoutedByOwner1764700000071,
  OutboxInOrder1764700000101,
  DeadLettersSettled1764700000121,
  OperatorDecisions1764700000141,
  RouteDecisions1764700000171,
  RoutesPut1764700000181,
  DisputesAsked1764700000191,
  DisputesToAskAbout1764700000192,
  SetAsideInOrder1764700000201,
  rights,
];

export { invariants } from './invariants.js';
export { findRoute, listRoutes, putRoute, removeRoute } from './route.repository.js';
export { readRoute, TOO_MANY_ROUTES } from '../routing/route-document.js';
