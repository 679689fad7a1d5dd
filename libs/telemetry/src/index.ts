export {
  configureLogging,
  flushLogs,
  LOG_LEVELS,
  logger,
  type LogFields,
  type Logger,
  type LogLevel,
} from './logger.js';
export { counter, gauge, histogram, renderMetrics, type Counter, type Gauge, type Histogram } from './metrics.js';
export { OncePerInterval } from './once-per-interval.js';
export { redactLine, withoutTokens } from './redaction.js';
export { activeTraceId, currentTraceparent, extractTraceContext, traceparentOf } from './trace-context.js';
export {
  startTelemetry,
  type Telemetry,
  type TelemetryOptions,
  type TraceExporter,
  TRACE_EXPORTERS,
} from './tracing.js';
