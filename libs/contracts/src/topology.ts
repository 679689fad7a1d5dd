/**
 * Who publishes and who reads each topic. Topic creation, the README's diagram, AsyncAPI and the test that asserts every
 * edge in a trace are all made from this file.
 */
export const SERVICES = ['gateway', 'payments', 'ledger', 'archiver', 'monitoring'] as const;
export type Service = (typeof SERVICES)[number];

const DAY_MS = 86_400_000;

export interface TopicSpec {
  readonly owner: Service;
  readonly kind: 'commands' | 'events';
  /** What the record key is, and so what lies within one partition. */
  readonly key: 'payment' | 'debited account' | 'subject';
  readonly publishers: readonly Service[];
  readonly retention_ms: number;
}

export const TOPICS = {
  'payments.commands.v1': {
    owner: 'payments',
    kind: 'commands',
    key: 'payment',
    publishers: ['gateway', 'payments'],
    retention_ms: 7 * DAY_MS,
  },
  'payments.events.v1': {
    owner: 'payments',
    kind: 'events',
    key: 'payment',
    publishers: ['payments'],
    retention_ms: 7 * DAY_MS,
  },
  'ledger.commands.v1': {
    owner: 'ledger',
    kind: 'commands',
    key: 'debited account',
    publishers: ['gateway', 'payments', 'ledger'],
    retention_ms: 7 * DAY_MS,
  },
  'ledger.events.v1': {
    owner: 'ledger',
    kind: 'events',
    key: 'debited account',
    publishers: ['ledger'],
    retention_ms: 7 * DAY_MS,
  },
  'gateway.events.v1': {
    owner: 'gateway',
    kind: 'events',
    key: 'subject',
    publishers: ['gateway'],
    retention_ms: 7 * DAY_MS,
  },
} as const satisfies Record<string, TopicSpec>;

export type Topic = keyof typeof TOPICS;

export interface SubscriptionSpec {
  readonly service: Service;
  readonly topic: Topic;
  /** The message types the reader handles; on an event topic the others are skipped and counted. */
  readonly types: readonly string[];
  /** `subject`: messages of one record key are applied in order, and a poison one parks its key. `none`: it is dead-lettered alone. */
  readonly order: 'subject' | 'none';
  /**
   * The durable mark that makes a repeated event id harmless. `effect`: the handler's own unique key, and it names the
   * repeats; `inbox`: a row in the reader's inbox.
   */
  readonly mark: 'effect' | 'inbox';
  /**
   * Where the mark is the effect: types of which some leave none, or one that a later message takes the place of. These have a row
   * in the reader's inbox all the same.
   */
  readonly inboxed?: readonly string[];
  /** True where commands of one subject carry a sequence number and wait for their predecessor. */
  readonly sequenced: boolean;
  /** How long the broker may hold a fetch to gather a larger batch, ms. 0 where somebody waits for the outcome. */
  readonly gather_ms: number;
}

/** Everything that the payments service tells. */
const PAYMENTS_TELLS = [
  'payflow.payment.succeeded.v1',
  'payflow.payment.failed.v1',
  'payflow.payment.requires_action.v1',
  'payflow.payment.authorized.v1',
  'payflow.payment.partially_captured.v1',
  'payflow.payment.canceled.v1',
  'payflow.payment.expired.v1',
  'payflow.payment.updated.v1',
  'payflow.confirmation.succeeded.v1',
  'payflow.confirmation.failed.v1',
  'payflow.increment.succeeded.v1',
  'payflow.increment.failed.v1',
  'payflow.capture.succeeded.v1',
  'payflow.capture.failed.v1',
  'payflow.cancellation.succeeded.v1',
  'payflow.cancellation.failed.v1',
  'payflow.refund.succeeded.v1',
  'payflow.refund.failed.v1',
  'payflow.dispute.opened.v1',
  'payflow.dispute.updated.v1',
  'payflow.dispute.evidence_submitted.v1',
  'payflow.dispute.evidence_rejected.v1',
  'payflow.dispute.won.v1',
  'payflow.dispute.lost.v1',
  'payflow.limit.defined.v1',
  'payflow.limit.deleted.v1',
  'payflow.limit.rejected.v1',
  'payflow.risk_rule.defined.v1',
  'payflow.risk_rule.deleted.v1',
  'payflow.risk_rule.rejected.v1',
  'payflow.review.opened.v1',
  'payflow.review.decided.v1',
  'payflow.review.rejected.v1',
  'payflow.payments_clock.moved.v1',
] as const;

/** One entry per consumer group, by the group's name. */
export const SUBSCRIPTIONS = {
  'payments.commands': {
    service: 'payments',
    topic: 'payments.commands.v1',
    types: [
      'payflow.payment.create.v1',
      'payflow.payment.sweep.v1',
      'payflow.limit.define.v1',
      'payflow.limit.delete.v1',
      'payflow.risk_rule.define.v1',
      'payflow.risk_rule.delete.v1',
      'payflow.review.decide.v1',
      'payflow.payment.confirm.v1',
      'payflow.payment.increment.v1',
      'payflow.payment.capture.v1',
      'payflow.payment.cancel.v1',
      'payflow.payment.refund.v1',
      'payflow.payment.answer.v1',
      'payflow.payment.expire.v1',
      'payflow.payment.notice.v1',
      'payflow.dispute.submit_evidence.v1',
      'payflow.dispute.sweep.v1',
      'payflow.dispute.answer.v1',
      'payflow.payments_clock.set.v1',
    ],
    order: 'subject',
    mark: 'effect',
    // What the service says to itself, what decides reviews as both people and the service do, and evidence, whose mark is gone
    // once its provider has answered.
    inboxed: [
      'payflow.payment.sweep.v1',
      'payflow.payment.answer.v1',
      'payflow.payment.expire.v1',
      'payflow.dispute.sweep.v1',
      'payflow.dispute.answer.v1',
      'payflow.dispute.submit_evidence.v1',
      'payflow.review.decide.v1',
    ],
    sequenced: true,
    gather_ms: 0,
  },
  'ledger.commands': {
    service: 'ledger',
    topic: 'ledger.commands.v1',
    types: [
      'payflow.account.open.v1',
      'payflow.account.update.v1',
      'payflow.asset.define.v1',
      'payflow.transfer.post.v1',
      'payflow.group.post.v1',
      'payflow.conversion.post.v1',
      'payflow.transfer.reverse.v1',
      'payflow.transfer.correct.v1',
      'payflow.transfer.update.v1',
      'payflow.hold.place.v1',
      'payflow.hold.post.v1',
      'payflow.hold.void.v1',
      'payflow.period.close.v1',
      'payflow.transaction_type.define.v1',
      'payflow.ledger_clock.set.v1',
    ],
    order: 'subject',
    mark: 'effect',
    sequenced: false,
    gather_ms: 0,
  },
  'payments.verdicts': {
    service: 'payments',
    topic: 'ledger.events.v1',
    types: [
      'payflow.transfer.posted.v1',
      'payflow.transfer.rejected.v1',
      'payflow.group.posted.v1',
      'payflow.group.rejected.v1',
      'payflow.hold.placed.v1',
      'payflow.hold.posted.v1',
      'payflow.hold.voided.v1',
      'payflow.hold.rejected.v1',
    ],
    order: 'none',
    mark: 'effect',
    sequenced: false,
    gather_ms: 0,
  },
  'gateway.accounts': {
    service: 'gateway',
    topic: 'ledger.events.v1',
    types: [
      'payflow.account.opened.v1',
      'payflow.account.rejected.v1',
      'payflow.account.updated.v1',
      'payflow.account.update_rejected.v1',
      'payflow.asset.defined.v1',
      'payflow.asset.rejected.v1',
      'payflow.transfer.updated.v1',
      'payflow.transfer.update_rejected.v1',
      'payflow.group.posted.v1',
      'payflow.group.rejected.v1',
      'payflow.hold.placed.v1',
      'payflow.hold.posted.v1',
      'payflow.hold.voided.v1',
      'payflow.hold.rejected.v1',
      'payflow.period.closing.v1',
      'payflow.period.closed.v1',
      'payflow.period.rejected.v1',
      'payflow.transaction_type.defined.v1',
      'payflow.transaction_type.rejected.v1',
      'payflow.ledger_clock.moved.v1',
    ],
    order: 'none',
    mark: 'inbox',
    sequenced: false,
    gather_ms: 0,
  },
  'gateway.payments': {
    service: 'gateway',
    topic: 'payments.events.v1',
    types: PAYMENTS_TELLS,
    order: 'none',
    // A view keeps the newest state alone: an older one that comes again, or comes late, leaves no mark in it.
    mark: 'inbox',
    sequenced: false,
    gather_ms: 0,
  },
  'archiver.payments': {
    service: 'archiver',
    topic: 'payments.events.v1',
    types: PAYMENTS_TELLS,
    order: 'none',
    mark: 'effect',
    sequenced: false,
    gather_ms: 500,
  },
  'archiver.ledger': {
    service: 'archiver',
    topic: 'ledger.events.v1',
    types: [
      'payflow.account.opened.v1',
      'payflow.account.rejected.v1',
      'payflow.account.updated.v1',
      'payflow.account.update_rejected.v1',
      'payflow.asset.defined.v1',
      'payflow.asset.rejected.v1',
      'payflow.account.overdraft_drawn.v1',
      'payflow.account.overdraft_repaid.v1',
      'payflow.account.overdraft_cleared.v1',
      'payflow.transfer.updated.v1',
      'payflow.transfer.update_rejected.v1',
      'payflow.transfer.posted.v1',
      'payflow.transfer.rejected.v1',
      'payflow.group.posted.v1',
      'payflow.group.rejected.v1',
      'payflow.hold.placed.v1',
      'payflow.hold.posted.v1',
      'payflow.hold.voided.v1',
      'payflow.hold.rejected.v1',
      'payflow.ledger.sealed.v1',
      'payflow.period.closing.v1',
      'payflow.period.closed.v1',
      'payflow.period.rejected.v1',
      'payflow.transaction_type.defined.v1',
      'payflow.transaction_type.rejected.v1',
      'payflow.ledger_clock.moved.v1',
    ],
    order: 'none',
    mark: 'effect',
    sequenced: false,
    gather_ms: 500,
  },
  'monitoring.payments': {
    service: 'monitoring',
    topic: 'payments.events.v1',
    types: [
      'payflow.payment.succeeded.v1',
      'payflow.payment.failed.v1',
      'payflow.payment.canceled.v1',
      'payflow.payment.expired.v1',
    ],
    order: 'none',
    mark: 'inbox',
    sequenced: false,
    gather_ms: 1_000,
  },
} as const satisfies Record<string, SubscriptionSpec>;

export type Group = keyof typeof SUBSCRIPTIONS;

/** The dead-letter topic of one reader of a topic. */
export function deadLetterTopic(group: Group): string {
  return `dlq.${SUBSCRIPTIONS[group].topic}.${group}`;
}

/**
 * Partitions per topic. Cost goes with requests and requests go with partitions: two on one machine, twelve where there
 * are more machines to spread them over. The number changes only when the topics are drained.
 */
export const PARTITIONS = { single: 2, cluster: 12 } as const;
