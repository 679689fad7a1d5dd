import { randomBytes } from 'node:crypto';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  isSpanContextValid,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { ATTRIBUTES, type AnyMessage, type Topic } from '@payflow/contracts';

const tracer = trace.getTracer('payflow.messaging');
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** The span context that a W3C `traceparent` names, or undefined. */
export function parseTraceparent(traceparent: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  if (!traceId || !spanId || !flags) return undefined;
  const spanContext = { traceId, spanId, traceFlags: parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
  return isSpanContextValid(spanContext) ? spanContext : undefined;
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags & TraceFlags.SAMPLED ? '01' : '00'}`;
}

/** For what nobody asked for: a sweeper's command begins a trace of its own, which is not recorded and yet has a name. */
export function rootTraceparent(): string {
  const bytes = randomBytes(24).toString('hex');
  return `00-${bytes.slice(0, 32)}-${bytes.slice(32)}-00`;
}

function isSampled(spanContext: SpanContext | undefined): spanContext is SpanContext {
  return spanContext !== undefined && (spanContext.traceFlags & TraceFlags.SAMPLED) !== 0;
}

function parentContext(spanContext: SpanContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, spanContext);
}

/**
 * The span in which a batch of several does its SQL. It lies in the trace of the batch's first recorded message and links
 * to the others; a batch of one needs none, its SQL lies under the message's own span.
 */
export function startBatchSpan(
  topic: Topic,
  group: string,
  partition: number,
  messages: readonly AnyMessage[],
): Span | undefined {
  if (messages.length < 2) return undefined;
  const contexts = messages.map(({ traceparent }) => parseTraceparent(traceparent)).filter(isSampled);
  const [first] = contexts;
  if (!first) return undefined;
  return tracer.startSpan(
    `process ${topic} batch`,
    {
      kind: SpanKind.CONSUMER,
      links: contexts.slice(0, LINKS_MAX).map((linked): Link => ({ context: linked })),
      attributes: {
        ...operation('process', topic, partition),
        'messaging.batch.message_count': messages.length,
        [ATTRIBUTES.group]: group,
      },
    },
    parentContext(first),
  );
}

/** Links beyond this say nothing more about a batch; each message's own span links back to it anyway. */
const LINKS_MAX = 64;

/** The short span of one message in its payment's trace, linked to the batch that does its SQL. */
export function startMessageSpan(
  message: AnyMessage,
  topic: Topic,
  group: string,
  partition: number,
  batch: Span | undefined,
): Span | undefined {
  const parent = parseTraceparent(message.traceparent);
  if (!isSampled(parent)) return undefined;
  return tracer.startSpan(
    `process ${topic}`,
    {
      kind: SpanKind.CONSUMER,
      links: batch ? [{ context: batch.spanContext() }] : [],
      attributes: {
        ...operation('process', topic, partition),
        [ATTRIBUTES.group]: group,
        ...messageAttributes(message),
      },
    },
    parentContext(parent),
  );
}

/** The span from a message's making to its acknowledgement by the broker. */
export function startSendSpan(
  topic: string,
  message: { id: string; type: string; subject: string },
  parent: Span | string | undefined,
): Span | undefined {
  const spanContext = typeof parent === 'object' ? parent.spanContext() : parseTraceparent(parent);
  if (!isSampled(spanContext)) return undefined;
  return tracer.startSpan(
    `send ${topic}`,
    { kind: SpanKind.PRODUCER, attributes: { ...operation('send', topic), ...messageAttributes(message) } },
    parentContext(spanContext),
  );
}

function operation(type: 'process' | 'send', topic: string, partition?: number): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': type,
    'messaging.operation.type': type,
    'messaging.destination.name': topic,
    ...(partition === undefined ? {} : { 'messaging.destination.partition.id': String(partition) }),
  };
}

function messageAttributes(message: { id: string; type: string; subject: string }): Attributes {
  return {
    [ATTRIBUTES.messageId]: message.id,
    [ATTRIBUTES.messageType]: message.type,
    ...(message.subject.startsWith('pay_') ? { [ATTRIBUTES.paymentId]: message.subject } : {}),
  };
}

export function failSpan(span: Span | undefined, error: unknown): void {
  span?.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' });
}
