import { InvariantTables1763700002000, SumsAreNoCards1764300000001 } from '@payflow/invariants';
import {
  MessagingGuards1763700013000,
  MessagingPartitions1764100040001,
  MessagingTables1763700000000,
  DeadLettersSettled1764700000121,
  OperatorDecisions1764700000141,
  OutboxInOrder1764700000101,
  SetAsideInOrder1764700000201,
} from '@payflow/messaging';
import { MonitoringTables1763700001000 } from './migrations/1763700001000-monitoring-tables.js';
import { StatementSpans1764100030001 } from './migrations/1764100030001-statement-spans.js';
import { rights } from './rights.js';

/** What `payflow setup` runs on monitoring's database, in order, and the rights that its role has then. */
export const migrations = [
  MessagingTables1763700000000,
  MonitoringTables1763700001000,
  InvariantTables1763700002000,
  MessagingGuards1763700013000,
  StatementSpans1764100030001,
  MessagingPartitions1764100040001,
  SumsAreNoCards1764300000001,
  OutboxInOrder1764700000101,
  DeadLettersSettled1764700000121,
  OperatorDecisions1764700000141,
  SetAsideInOrder1764700000201,
  rights,
];

export { invariants } from './invariants.js';
