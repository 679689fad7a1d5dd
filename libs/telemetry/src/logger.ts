import { context, isSpanContextValid, trace } from '@opentelemetry/api';
import { destination, pino, type DestinationStream, type Logger as Pino } from 'pino';
import { redactLine } from './redaction.js';
import { toldError } from './told-error.js';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields beside the message. An Error goes under `err`; ids of the request and the payment under `request_id` and `payment_id`. */
export type LogFields = Readonly<Record<string, unknown>> & { readonly err?: unknown };

interface Write {
  (message: string): void;
  (fields: LogFields, message: string): void;
}

export interface Logger {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  readonly fatal: Write;
  /** False when `debug` writes nothing: ask before computing what only a debug line needs. */
  readonly isDebug: () => boolean;
}

/** Lines waiting for a slow reader of stdout; past it they are dropped rather than held in memory or waited for. */
const BUFFER_BYTES_MAX = 8 * 1024 * 1024;

let stdout: ReturnType<typeof destination> | undefined;
let root: Pino | undefined;
let settings: { service: string; level: LogLevel; stream?: DestinationStream } = {
  service: process.env['npm_package_name'] ?? 'payflow',
  level: 'info',
};

/** Names the service on every line and sets the level, for this process and at any time. `stream`: where tests read the lines. */
export function configureLogging(change: { service?: string; level?: LogLevel; stream?: DestinationStream }): void {
  settings = { ...settings, ...change };
  root = undefined;
}

/** A logger for one component of the service: JSON lines on stdout with service, component, trace and span ids, secrets taken out. */
export function logger(component: string): Logger {
  const write =
    (level: Exclude<LogLevel, 'silent'>): Write =>
    (first: string | LogFields, message?: string): void => {
      if (typeof first === 'string') rootLogger()[level]({ component }, first);
      else rootLogger()[level]({ component, ...first }, message);
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    isDebug: () => rootLogger().isLevelEnabled('debug'),
  };
}

/** Writes out what is still buffered; for the last line before the process ends. */
export function flushLogs(): void {
  try {
    stdout?.flushSync();
  } catch {
    // Stdout is gone or not ready: there is nobody left to tell.
  }
}

function rootLogger(): Pino {
  return (root ??= pino(
    {
      level: settings.level,
      base: { service: settings.service },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      mixin: activeSpan,
      serializers: { err: toldError },
      hooks: { streamWrite: redactLine },
    },
    settings.stream ?? standardOutput(),
  ));
}

/** Asynchronous: a reader that stops reading must not stop payments. */
function standardOutput(): DestinationStream {
  if (stdout) return stdout;
  stdout = destination({ fd: 1, sync: false, maxLength: BUFFER_BYTES_MAX });
  stdout.on('error', () => undefined);
  process.once('exit', flushLogs);
  return stdout;
}

function activeSpan(): object {
  const span = trace.getSpanContext(context.active());
  return span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
