export { kafkajsBroker } from './broker/kafkajs/client.js';
export { withHeadStart } from './broker/head-start.js';
export type { Broker, BrokerAdmin, BrokerOptions, RecordToSend, TopicToCreate } from './broker/port.js';
export { MessagingGuards1763700013000 } from './database/messaging-guards.js';
export { MESSAGING_RIGHTS } from './database/messaging-rights.js';
export { MessagingPartitions1764100040001 } from './database/messaging-partitions.js';
export { MessagingTables1763700000000 } from './database/messaging-tables.js';
export { OutboxInOrder1764700000101 } from './database/outbox-in-order.js';
export { DeadLettersSettled1764700000121 } from './database/dead-letters-settled.js';
export { OperatorDecisions1764700000141 } from './database/operator-decisions.js';
export { SetAsideInOrder1764700000201 } from './database/set-aside-in-order.js';
export { encodeRecord } from './envelope.js';
export { Housekeeping } from './housekeeping.js';
export { Messaging, type MessagingOptions } from './messaging.js';
export { GroupCommit, Overloaded, type GroupCommitOptions, type Patience } from './group-commit.js';
export { Pace } from './pace.js';
export { noteDecision, type OperatorDecision } from './operator-decision.js';
export { Outbox, type Staged, type StagedRows } from './outbox/outbox.js';
export { republishRange } from './outbox/outbox.repository.js';
export { dayOf, tallyOf, talliesByDay } from './outbox/tally.js';
export type { AnyOutgoing, MessageContext, Origin, Outgoing } from './outgoing.js';
export { countParked, listParked, requestParked, type ParkedListing } from './parking/parking.repository.js';
export {
  listDeadLetters,
  DEAD_LETTERS_LISTED_MAX,
  discardDeadLetter,
  requestReplay,
  type DeadLetterListing,
  type DeadLetterPlace,
} from './runner/dead-letter.repository.js';
export { plansFor } from './runner/chunk.js';
export type { Handled, Handler, Refuser, SubscriptionHandlers } from './runner/handler.js';
export { PASS_OVER, cameBefore, passedColumns, passedOverBefore } from './runner/inbox.repository.js';
export { Repeat } from './repeat.js';
export { TestClocks1764400800051 } from './test-clock/test-clock-tables.js';
export { aheadOf, TEST_CLOCK_RIGHTS } from './test-clock/test-clock.repository.js';
export { isSetClock, moveTestClocks, type SetClock } from './test-clock/test-clock.js';
export { topicsToCreate, verifyTopics } from './topics.js';
export { formatTraceparent, parseTraceparent } from './trace.js';
export { Begun, Consumes, Discards, Known, Refuses } from './transport/consumes.js';
export { RunnerServer } from './transport/runner-server.js';
export { compileSchemas, readerErrors } from './validation.js';
