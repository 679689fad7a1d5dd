import { context, SpanKind, SpanStatusCode, trace, type Context, type Span } from '@opentelemetry/api';
import { METRICS } from '@payflow/contracts';
import { extractTraceContext, histogram, logger, traceparentOf } from '@payflow/telemetry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Health } from '../health.js';
import { keepsAnyName, type KeepsName } from './keeps-name.js';
import { toldPath } from './told-path.js';

interface Traced {
  readonly context: Context;
  readonly span: Span;
  readonly start: number;
}

const TRACED = Symbol('traced');
type TracedRequest = FastifyRequest & { [TRACED]?: Traced };

const tracer = trace.getTracer('payflow.http');
const log = logger('http');
const duration = histogram(METRICS.httpServerDuration, 'Time from the request to the end of its answer.', [
  'method',
  'route',
  'status',
] as const);

/**
 * One server span per request, in the caller's trace, active for hooks and handler; duration metric; `request-id` and
 * `traceparent` on the answer. Register before any other hook. Routes with `config.untraced` (probes) are left out. A `tracestate`
 * that may not be kept is dropped.
 */
export function traceRequests(
  fastify: FastifyInstance,
  health: Pick<Health, 'draining'>,
  keepsName: KeepsName = keepsAnyName,
): void {
  fastify.addHook('onRequest', (request: TracedRequest, reply, done) => {
    void reply.header('request-id', request.id);
    if (health.draining && request.raw.httpVersionMajor === 1) void reply.header('connection', 'close');
    if (isUntraced(request)) return done();
    const traced = startSpan(request, keepsName);
    request[TRACED] = traced;
    void reply.header('traceparent', traceparentOf(traced.span));
    // 'close' comes once and always, also when the client has gone before the answer.
    reply.raw.once('close', () => finish(request, reply, traced));
    context.with(traced.context, done);
  });
  // The body arrives in events of the socket, which carry no context of ours: enter it again before the handler.
  fastify.addHook('preHandler', (request: TracedRequest, _reply, done) => {
    const traced = request[TRACED];
    if (traced) context.with(traced.context, done);
    else done();
  });
}

function isUntraced(request: FastifyRequest): boolean {
  return (request.routeOptions.config as { untraced?: boolean } | undefined)?.untraced === true;
}

function startSpan(request: FastifyRequest, keepsName: KeepsName): Traced {
  const { traceparent, tracestate } = request.headers;
  const route = request.routeOptions.url;
  const state = single(tracestate);
  const parent = extractTraceContext(single(traceparent), state && keepsName(state) ? state : undefined);
  const span = tracer.startSpan(
    route ? `${request.method} ${route}` : request.method,
    { kind: SpanKind.SERVER },
    parent,
  );
  if (span.isRecording()) {
    span.setAttributes({
      'http.request.method': request.method,
      'url.path': toldPath(request.url),
      'url.scheme': 'http',
      'network.protocol.version': request.raw.httpVersion,
      ...(route ? { 'http.route': route } : {}),
    });
  }
  return { context: trace.setSpan(parent, span), span, start: performance.now() };
}

function finish(request: FastifyRequest, reply: FastifyReply, { span, start }: Traced): void {
  const status = reply.raw.headersSent ? reply.raw.statusCode : undefined;
  const seconds = (performance.now() - start) / 1_000;
  const route = request.routeOptions.url ?? 'none';
  duration.observe({ method: request.method, route, status: status ?? 'aborted' }, seconds);
  if (log.isDebug())
    log.debug(
      { request_id: request.id, trace_id: span.spanContext().traceId, method: request.method, route, status, seconds },
      'request',
    );
  if (span.isRecording()) {
    if (status === undefined) span.setAttribute('error.type', 'client_closed');
    else span.setAttribute('http.response.status_code', status);
    if (status !== undefined && status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** A header that was sent twice is malformed, and so is no parent. */
function single(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}
