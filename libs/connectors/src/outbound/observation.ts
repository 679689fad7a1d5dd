import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api';
import { ATTRIBUTES, METRICS } from '@payflow/contracts';
import { gauge, histogram } from '@payflow/telemetry';
import type { InquiryAnswer } from '../connector.js';
import type { LineState } from './http-line.js';

const tracer = trace.getTracer('payflow.connectors');
const MS_PER_S = 1_000;

/** Providers take from tens of milliseconds to the 30 s after which nobody waits. */
const CALL_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const calls = histogram(
  METRICS.connectorCallSeconds,
  'Calls of providers, with the waiting before and the tries within, by what came of them.',
  ['connector', 'action', 'outcome'] as const,
  CALL_BUCKETS,
);

const lines = new Map<string, () => LineState>();

/** Shows a connector's connections at every scrape; of two of one name, the younger's. */
export function showLine(connector: string, read: () => LineState): void {
  lines.set(connector, read);
}

gauge(
  METRICS.connectorConnections,
  'Connections to a provider, open and idle, and requests that wait for one.',
  ['connector', 'state'] as const,
  (metric) => {
    for (const [connector, read] of lines) {
      for (const [state, count] of Object.entries(read())) metric.set({ connector, state }, count);
    }
  },
);

/** One call as a client span and a measurement, both with its outcome. */
export async function observed<A extends InquiryAnswer>(
  connector: string,
  action: string,
  ask: () => Promise<A>,
): Promise<A> {
  const span = tracer.startSpan(`${connector} ${action}`, {
    kind: SpanKind.CLIENT,
    attributes: { [ATTRIBUTES.connector]: connector, [ATTRIBUTES.providerAction]: action },
  });
  const begun_ms = performance.now();
  try {
    const answer = await context.with(trace.setSpan(context.active(), span), ask);
    calls.observe({ connector, action, outcome: answer.outcome }, (performance.now() - begun_ms) / MS_PER_S);
    span.setAttribute(ATTRIBUTES.outcome, answer.outcome);
    if (answer.outcome === 'unknown' || answer.outcome === 'not_sent') {
      span.setStatus({ code: SpanStatusCode.ERROR, message: answer.code });
    }
    return answer;
  } finally {
    span.end();
  }
}
