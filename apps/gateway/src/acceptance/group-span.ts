import { context, SpanKind, trace, type Context, type Link, type Span } from '@opentelemetry/api';
import { extractTraceContext } from '@payflow/telemetry';
import type { Acceptable } from './acceptable.js';

const tracer = trace.getTracer('payflow.acceptance');
/** Links beyond this say nothing more about a group. */
const LINKS_MAX = 64;

/** Runs a group's transaction in a span in the trace of its first recorded member, linked to the others. */
export async function inGroupSpan<T>(group: readonly Acceptable[], work: () => Promise<T>): Promise<T> {
  const recorded = group.flatMap(({ traceparent }) =>
    traceparent?.endsWith('01') ? [extractTraceContext(traceparent)] : [],
  );
  const [parent, ...others] = recorded;
  if (!parent) return work();
  const span = startSpan(parent, others, group.length);
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } finally {
    span.end();
  }
}

function startSpan(parent: Context, others: readonly Context[], members: number): Span {
  const links = others.slice(0, LINKS_MAX).flatMap((other): Link[] => {
    const linked = trace.getSpanContext(other);
    return linked ? [{ context: linked }] : [];
  });
  return tracer.startSpan(
    'accept',
    { kind: SpanKind.INTERNAL, links, attributes: { 'payflow.group.members': members } },
    parent,
  );
}
