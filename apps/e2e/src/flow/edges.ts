import {
  MESSAGES,
  SUBSCRIPTIONS,
  TOPICS,
  type Group,
  type MessageType,
  type Service,
  type SubscriptionSpec,
  type Topic,
} from '@payflow/contracts';
import type { CollectedSpan } from '../house/span-collector.js';

/** One way a message of a payment takes: written by a service, read by a group. */
export interface Edge {
  readonly publisher: Service;
  readonly topic: Topic;
  readonly group: Group;
  readonly reader: Service;
}

/** The edges that a payment with these messages passes, as the topology declares them. */
export function edgesOf(types: readonly MessageType[], firstPublisher: Service): Edge[] {
  return types.flatMap((type) => {
    const { topic } = MESSAGES[type];
    const publisher = publisherOf(topic, firstPublisher);
    return Object.entries<SubscriptionSpec>(SUBSCRIPTIONS)
      .filter(([, spec]) => spec.topic === topic && spec.types.includes(type))
      .map(([group, spec]) => ({ publisher, topic, group: group as Group, reader: spec.service }));
  });
}

/** Events come from their owner; on a payment's way its first command comes from the gateway, the ledger's from payments. */
function publisherOf(topic: Topic, firstPublisher: Service): Service {
  const { kind, owner } = TOPICS[topic];
  if (kind === 'events') return owner;
  return topic === 'payments.commands.v1' ? firstPublisher : 'payments';
}

/** The edges that no spans of the trace show: a send by the publisher, and under it the group's processing by the reader. */
export function missingEdges(spans: readonly CollectedSpan[], edges: readonly Edge[]): Edge[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  return edges.filter(
    (edge) => !spans.some((span) => isReading(span, edge) && isSending(byId.get(span.parentSpanId ?? ''), edge)),
  );
}

function isReading(span: CollectedSpan, { topic, group, reader }: Edge): boolean {
  const { attributes } = span;
  return (
    span.service === reader &&
    attributes['messaging.operation.type'] === 'process' &&
    attributes['messaging.destination.name'] === topic &&
    attributes['messaging.consumer.group.name'] === group
  );
}

function isSending(span: CollectedSpan | undefined, { topic, publisher }: Edge): boolean {
  return (
    span?.service === publisher &&
    span.attributes['messaging.operation.type'] === 'send' &&
    span.attributes['messaging.destination.name'] === topic
  );
}
