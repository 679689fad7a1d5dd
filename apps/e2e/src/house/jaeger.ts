import type { CollectedSpan } from './span-collector.js';

interface JaegerSpan {
  readonly traceID: string;
  readonly spanID: string;
  readonly operationName: string;
  readonly processID: string;
  readonly references?: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[];
  readonly tags?: readonly { readonly key: string; readonly value: unknown }[];
}
interface JaegerTrace {
  readonly spans: readonly JaegerSpan[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}

/** The spans of a trace as Jaeger's query API gives them; none where it does not know the trace (yet). */
export async function spansFromJaeger(ui: string, traceId: string): Promise<CollectedSpan[]> {
  const answer = await fetch(`${ui}/api/traces/${traceId}`);
  if (!answer.ok) return [];
  const { data } = (await answer.json()) as { data: readonly JaegerTrace[] | null };
  return (data ?? []).flatMap(({ spans, processes }) =>
    spans.map((span) => toSpan(span, processes[span.processID]?.serviceName ?? 'unknown')),
  );
}

function toSpan(
  { traceID, spanID, operationName, references = [], tags = [] }: JaegerSpan,
  service: string,
): CollectedSpan {
  const parent = references.find(({ refType, traceID: id }) => refType === 'CHILD_OF' && id === traceID);
  return {
    traceId: traceID,
    spanId: spanID,
    parentSpanId: parent?.spanID,
    service,
    name: operationName,
    attributes: Object.fromEntries(tags.map(({ key, value }) => [key, String(value)])),
    links: references.filter(({ refType }) => refType === 'FOLLOWS_FROM').map(({ traceID: id }) => id),
  };
}
