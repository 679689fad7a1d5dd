import type { IncomingMessage, Server } from 'node:http';
import type { FastifyHttpOptions, FastifyInstance } from 'fastify';
import { clientErrorsWith } from '../problem/client-error.js';
import { sendProblem } from '../problem/problem.filter.js';
import { Problem } from '../problem/problem.js';
import { serveBothVersions } from './both-versions.js';
import { keepsAnyName, type KeepsName } from './keeps-name.js';
import { originForm } from './origin-form.js';
import { newRequestId } from './request-id.js';
import { tlsServerOptions, type TlsIdentity } from './tls.js';

export const BODY_BYTES_MAX = 256 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;
/** Of a read that the gateway forwards: a query within the limit above may be several times as long once it is written anew. */
const FORWARDED_HEADER_BYTES_MAX = 64 * 1024;
/** Whole request head, whole request, and how often Node looks; a sender slower than that gets 408. */
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_MS = 1_000;
/** The gateway gives a read 30 s, and says so in its deadline: whoever works for as long must not be cut off before. */
const STREAM_TIMEOUT_MS = 35_000;
/** Above what balancers keep idle connections for (60 s is usual), so that ours is never the side that closes first. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
/** Far above the longest wait (`Prefer: wait=10`): on a connection with a request under way, so long may nothing move. */
const SILENCE_TIMEOUT_MS = 60_000;
/** Then the connection is closed with its answer, so that one that lives for ever finds its way to processes that came later. */
const REQUESTS_PER_CONNECTION_MAX = 100_000;
/** Longer path parameters than any id are answered 414 by the router. */
const PARAM_LENGTH_MAX = 255;
const HOST = 'host';
const CREDENTIAL = 'authorization';
const TYPE = 'content-type';
/** Digits alone, and as many as a card number has, are none: the id is written into logs and kept. */
const SANE_REQUEST_ID = /^(?![\d-]{13,}$)[A-Za-z0-9][A-Za-z0-9._:@/+=-]{0,127}$/;

/** A question that the gateway forwards says more than the request it came in: ids of a thousand legs, and what they left out. */
const QUESTION_BYTES_MAX = 2 * BODY_BYTES_MAX;

/** Makes the server speak HTTP/2 beside HTTP/1.1, for the service whose reads the gateway forwards, and take what it asks. */
export const forwardedReads: Pick<FastifyHttpOptions<Server>, 'serverFactory' | 'bodyLimit'> = {
  bodyLimit: QUESTION_BYTES_MAX,
  serverFactory: (handler, options) =>
    serveBothVersions(handler, withLongHeads(options as FastifyHttpOptions<Server>), {
      headerBytes_max: FORWARDED_HEADER_BYTES_MAX,
      firstBytes_ms: HEADERS_TIMEOUT_MS,
      stream_ms: STREAM_TIMEOUT_MS,
      idle_ms: KEEP_ALIVE_TIMEOUT_MS,
    }),
};

function withLongHeads(options: FastifyHttpOptions<Server>): FastifyHttpOptions<Server> {
  return { ...options, http: { ...options.http, maxHeaderSize: FORWARDED_HEADER_BYTES_MAX } };
}

/**
 * Limits and edge behaviour of every service's HTTP server; `identity` makes it one of HTTPS. `routeless`: headers of what is
 * answered before there is a route, which no hook sees.
 */
export function serverOptions(
  rewriteUrl?: (url: string) => string,
  identity?: TlsIdentity,
  keepsName: KeepsName = keepsAnyName,
  routeless: Readonly<Record<string, string>> = {},
): FastifyHttpOptions<Server> {
  const http = {
    // Node would answer a missing Host by itself, and not as we do: see refuseAmbiguous.
    requireHostHeader: false,
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  };
  return {
    ...(rewriteUrl ? { rewriteUrl: (request) => rewriteUrl(originForm(request.url ?? '/')) } : {}),
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: SILENCE_TIMEOUT_MS,
    maxRequestsPerSocket: REQUESTS_PER_CONNECTION_MAX,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // While draining, requests on connections that are still open are served and told to close.
    return503OnClosing: false,
    trustProxy: false,
    requestIdHeader: false,
    genReqId: (request: Pick<IncomingMessage, 'headers'>) => requestId(request, keepsName),
    routerOptions: { maxParamLength: PARAM_LENGTH_MAX, caseSensitive: true },
    // Node's server of HTTPS takes both kinds of options in one; to Fastify's types it is another server.
    ...(identity ? ({ https: { ...http, ...tlsServerOptions(identity) } } as object) : { http }),
    // No hook has seen them: what every answer has is said here.
    clientErrorHandler: clientErrorsWith(routeless),
    frameworkErrors: (error, request, reply) =>
      sendProblem(error, request, reply.headers(routeless).header('request-id', request.id)),
  };
}

/** The caller's Request-Id when it is a sane token that may be kept, else a new one. */
function requestId({ headers }: Pick<IncomingMessage, 'headers'>, keepsName: KeepsName): string {
  const given = headers['request-id'];
  const isKept = typeof given === 'string' && SANE_REQUEST_ID.test(given) && keepsName(given);
  return isKept ? given : newRequestId();
}

/**
 * HTTP/1.1 without Host is 400 (RFC 9112 §3.2), and so is what a proxy before us may have read otherwise: two of what there is one
 * of, for Node takes the first without a word, and a body in a coding that Node passes over.
 */
export function refuseAmbiguous(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { httpVersion, rawHeaders, headers } = request.raw;
    const coding = headers['transfer-encoding'];
    const isCoded = coding !== undefined && coding.toLowerCase() !== 'chunked';
    const isAmbiguous = isCoded || !haveOnce(rawHeaders, httpVersion === '1.1');
    done(isAmbiguous ? new Problem('invalid_http') : undefined);
  });
}

/** Whether each header that there is one of is there once at most, and Host, where it must be, at least. */
function haveOnce(rawHeaders: readonly string[], needsHost: boolean): boolean {
  let [hosts, credentials, types] = [0, 0, 0];
  // Names and values alternate.
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length === HOST.length && name.toLowerCase() === HOST) hosts++;
    else if (name.length === CREDENTIAL.length && name.toLowerCase() === CREDENTIAL) credentials++;
    else if (name.length === TYPE.length && name.toLowerCase() === TYPE) types++;
  }
  return hosts <= 1 && credentials <= 1 && types <= 1 && (hosts === 1 || !needsHost);
}

/**
 * What a client expects beside `100-continue` may be passed over (RFC 9110 §10.1.1): the request is served as any other. Node would
 * answer it 417 by itself, and not as we do.
 */
export function passOverExpectations({ server }: FastifyInstance): void {
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}
