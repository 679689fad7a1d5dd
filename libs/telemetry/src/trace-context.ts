import { context, isSpanContextValid, ROOT_CONTEXT, trace, type Context, type Span } from '@opentelemetry/api';
import { parseTraceParent, TraceState } from '@opentelemetry/core';

/** A `tracestate` longer than this is dropped: W3C lets a receiver do so from 512 characters on. */
const TRACESTATE_LENGTH_MAX = 512;

/** The id of the trace that is active here, also when it is not recorded. */
export function activeTraceId(): string | undefined {
  const spanContext = trace.getSpanContext(context.active());
  return spanContext && isSpanContextValid(spanContext) ? spanContext.traceId : undefined;
}

/** The W3C `traceparent` of what is active here, or undefined outside of any trace. */
export function currentTraceparent(): string | undefined {
  const span = trace.getSpan(context.active());
  return span && isSpanContextValid(span.spanContext()) ? traceparentOf(span) : undefined;
}

/** The W3C `traceparent` of a span. */
export function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-0${(traceFlags & 1).toString()}`;
}

/**
 * The context a `traceparent` (and `tracestate`) names, to be the parent of spans here; the root context when it is
 * missing or malformed, as W3C Trace Context asks.
 */
export function extractTraceContext(traceparent: string | undefined, tracestate?: string): Context {
  const remote = traceparent ? parseTraceParent(traceparent) : null;
  if (!remote) return ROOT_CONTEXT;
  if (tracestate && tracestate.length <= TRACESTATE_LENGTH_MAX) remote.traceState = new TraceState(tracestate);
  return trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true });
}
