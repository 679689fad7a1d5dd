import { createRequire } from 'node:module';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { TraceExporter } from './tracing.js';

/** How long Jaeger's exporter may hold the process at shutdown; its own default is 2 s. */
const JAEGER_FLUSH_MS = 500;
const OTLP_TIMEOUT_MS = 5_000;
/** Exports in flight; a slow collector must not gather thirty sockets per process. */
const OTLP_CONCURRENCY = 2;

/** The exporter of a kind, sending to `endpoint` or to the kind's local default. `none` gives none. */
export function spanExporter(kind: TraceExporter, endpoint: string | undefined): SpanExporter | undefined {
  switch (kind) {
    case 'otlp':
      return otlp(endpoint ?? 'http://127.0.0.1:4318');
    case 'jaeger':
      return jaeger(endpoint ?? 'http://127.0.0.1:14268/api/traces');
    case 'none':
      return undefined;
    default:
      return kind satisfies never;
  }
}

function otlp(base: string): SpanExporter {
  return new OTLPTraceExporter({
    url: `${base.replace(/\/+$/, '')}/v1/traces`,
    timeoutMillis: OTLP_TIMEOUT_MS,
    concurrencyLimit: OTLP_CONCURRENCY,
  });
}

/** Loaded on demand: the thrift stack behind it costs start-up time that nobody else should pay. */
function jaeger(endpoint: string): SpanExporter {
  const require = createRequire(import.meta.url);
  const { JaegerExporter } =
    require('@opentelemetry/exporter-jaeger') as typeof import('@opentelemetry/exporter-jaeger');
  // Its types are those of SDK 2; the spans it reads have not changed (shown by this library's spec).
  return new JaegerExporter({ endpoint, flushTimeout: JAEGER_FLUSH_MS }) as unknown as SpanExporter;
}
