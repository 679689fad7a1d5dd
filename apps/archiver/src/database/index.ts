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
import { ArchiverTables1763700001000 } from './migrations/1763700001000-archiver-tables.js';
import { ArchiverGuards1763700013001 } from './migrations/1763700013001-archiver-guards.js';
import { ArchiverMonths1764100040002 } from './migrations/1764100040002-archiver-months.js';
import { ArchiverDays1764700000061 } from './migrations/1764700000061-archiver-days.js';
import { ArchiverMonthBounds1764700000062 } from './migrations/1764700000062-archiver-month-bounds.js';
import { rights } from './rights.js';

/** What `payflow setup` runs on the archiver's database, in order, and the rights that its role has then. */
export const migrations = [
  MessagingTables1763700000000,
  ArchiverTables1763700001000,
  InvariantTables1763700002000,
  MessagingGuards1763700013000,
  ArchiverGuards1763700013001,
  MessagingPartitions1764100040001,
  ArchiverMonths1764100040002,
  SumsAreNoCards1764300000001,
  ArchiverDays1764700000061,
  ArchiverMonthBounds1764700000062,
  OutboxInOrder1764700000101,
  DeadLettersSettled1764700000121,
  OperatorDecisions1764700000141,
  SetAsideInOrder1764700000201,
  rights,
];

export { invariants } from './invariants.js';
