import { context, diag, propagation, trace, type DiagLogger, DiagLogLevel } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import {
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_NAMESPACE,
} from '@opentelemetry/semantic-conventions';
import { spanExporter } from './span-exporter.js';
import { logger } from './logger.js';
import { OncePerInterval } from './once-per-interval.js';

export const TRACE_EXPORTERS = ['otlp', 'jaeger', 'none'] as const;
export type TraceExporter = (typeof TRACE_EXPORTERS)[number];

export interface TelemetryOptions {
  readonly service: string;
  /** Where spans go; `none` records nothing, trace ids still travel. Default `otlp`. */
  readonly exporter?: TraceExporter;
  /** Base URL of an OTLP/HTTP collector, or the whole URL of Jaeger's thrift endpoint. */
  readonly endpoint?: string;
  /** Share of new traces that are recorded, 0 to 1. A trace begun elsewhere follows its caller. Default 1. */
  readonly samplingRatio?: number;
  /** Tests hand in an exporter of their own. */
  readonly spanExporter?: SpanExporter;
}

export interface Telemetry {
  /** Sends what is waiting (3 s at most) and stops. Never throws. */
  shutdown(): Promise<void>;
}

/** Spans waiting for export; more are dropped, so that a dead collector costs memory for these and nothing else. */
const QUEUE_SPANS_MAX = 8_192;
const EXPORT_SPANS_MAX = 512;
const EXPORT_DELAY_MS = 500;
const EXPORT_TIMEOUT_MS = 5_000;
const SHUTDOWN_TIMEOUT_MS = 3_000;
const REPORT_INTERVAL_MS = 60_000;

/** Starts tracing for this process: provider, sampler, exporter, context and W3C propagation. Spans are made by hand in the platform libraries. */
export function startTelemetry(options: TelemetryOptions): Telemetry {
  // The first start in a process wins; the APIs' complaints about a second one (in tests) are not about spans.
  diag.disable();
  const provider = tracerProvider(options);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  reportSeldom();
  return { shutdown: () => shutdown(provider) };
}

function tracerProvider(options: TelemetryOptions): TracerProvider {
  const exporter = options.spanExporter ?? spanExporter(options.exporter ?? 'otlp', options.endpoint);
  return new TracerProvider({
    resource: resourceFromAttributes({
      [ATTR_SERVICE_NAME]: options.service,
      [ATTR_SERVICE_NAMESPACE]: 'payflow',
      [ATTR_SERVICE_INSTANCE_ID]: `${process.pid}`,
    }),
    sampler: new ParentBasedSampler(samplers(exporter, options.samplingRatio ?? 1)),
    spanProcessors: exporter ? [batching(exporter)] : [],
  });
}

/** Without an exporter nothing is recorded, not even where the caller asked for it. */
function samplers(exporter: SpanExporter | undefined, ratio: number): { root: Sampler; remoteParentSampled?: Sampler } {
  if (exporter) return { root: new TraceIdRatioBasedSampler(ratio) };
  return { root: new AlwaysOffSampler(), remoteParentSampled: new AlwaysOffSampler() };
}

function batching(exporter: SpanExporter): BatchSpanProcessor {
  return new BatchSpanProcessor({
    exporter,
    maxQueueSize: QUEUE_SPANS_MAX,
    maxExportBatchSize: EXPORT_SPANS_MAX,
    scheduledDelayMillis: EXPORT_DELAY_MS,
    exportTimeoutMillis: EXPORT_TIMEOUT_MS,
  });
}

/** The SDK tells of every failed export and every drop; one line a minute is enough to know the collector is away. */
function reportSeldom(): void {
  const log = logger('tracing');
  const seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  const report = (message: string): void =>
    seldom.run((suppressed) => log.warn({ suppressed }, `spans are not being exported: ${message}`));
  setGlobalErrorHandler((error) => report(error instanceof Error ? error.message : 'export failed'));
  const quiet = (): void => undefined;
  const diagnostics: DiagLogger = { error: report, warn: report, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(diagnostics, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

async function shutdown(provider: TracerProvider): Promise<void> {
  const late = new Promise<void>((resolve) => setTimeout(resolve, SHUTDOWN_TIMEOUT_MS).unref());
  await Promise.race([provider.shutdown().catch(() => undefined), late]);
}
