import { createHash, timingSafeEqual } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { serveBothVersions } from '@payflow/service';
import { logger } from '@payflow/telemetry';
import type { FastifyError, FastifyHttpOptions, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEM_TYPE, Problem, problemBody, statusOf, type FieldProblem, type ProblemCode } from './problems.js';

const log = logger('edge');

const BODY_BYTES_MAX = 64 * 1024;
const HEADER_BYTES_MAX = 16 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
/** Longer than any caller waits: a stream on which nothing moves may be a silent scenario. */
const STREAM_MS = 600_000;

/** HTTP/1.1 with kept connections and, by prior knowledge, HTTP/2 on the same port. Schemas refuse what they do not know. */
export const serverOptions: FastifyHttpOptions<Server> = {
  bodyLimit: BODY_BYTES_MAX,
  requestTimeout: REQUEST_TIMEOUT_MS,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  // Whoever is never answered would keep the server from closing.
  forceCloseConnections: true,
  return503OnClosing: false,
  ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, allErrors: false } },
  http: { maxHeaderSize: HEADER_BYTES_MAX },
  clientErrorHandler: refuseRaw,
  serverFactory: (handler, options) =>
    serveBothVersions(handler, options as FastifyHttpOptions<Server>, {
      headerBytes_max: HEADER_BYTES_MAX,
      firstBytes_ms: REQUEST_TIMEOUT_MS,
      stream_ms: STREAM_MS,
      idle_ms: KEEP_ALIVE_TIMEOUT_MS,
    }),
};

/** The bytes of a body, from which fingerprints are made. */
export const bytesOf = new WeakMap<object, Buffer>();

/** JSON alone, with its bytes kept; every error as `application/problem+json`. */
export function prepareEdge(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, bytes: Buffer, done) => {
    bytesOf.set(request, bytes);
    try {
      done(null, JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    } catch {
      done(new Problem('malformed_json'));
    }
  });
  fastify.setErrorHandler((error: FastifyError | Problem, request, reply) =>
    sendProblem(translate(error), request, reply),
  );
  fastify.setNotFoundHandler(() => {
    throw new Problem('not_found');
  });
}

/** Refuses whoever has not the merchant's key. */
export function requireKey(apiKey: string) {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  const wanted = digest(`Bearer ${apiKey}`);
  return (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    const isRight = timingSafeEqual(digest(request.headers.authorization ?? ''), wanted);
    done(isRight ? undefined : new Problem('unauthenticated', [], { 'www-authenticate': 'Bearer' }));
  };
}

const BY_FASTIFY_CODE: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_EMPTY_TYPE: 'unsupported_media_type',
};

function translate(error: FastifyError | Problem): Problem {
  if (error instanceof Problem) return error;
  if (error.validation) return new Problem('invalid_request', error.validation.map(fieldProblem));
  const known = BY_FASTIFY_CODE[error.code];
  if (known) return new Problem(known);
  if (error.statusCode !== undefined && error.statusCode < 500) return new Problem('invalid_request');
  log.error({ err: error }, 'a request failed');
  return new Problem('internal_error');
}

function fieldProblem(found: NonNullable<FastifyError['validation']>[number]): FieldProblem {
  const { missingProperty, additionalProperty } = found.params as Record<string, string | undefined>;
  const member = missingProperty ?? additionalProperty;
  return {
    pointer: member === undefined ? found.instancePath : `${found.instancePath}/${member}`,
    detail: found.message ?? found.keyword,
  };
}

function sendProblem({ code, errors, headers }: Problem, _request: FastifyRequest, reply: FastifyReply): void {
  void reply
    .status(statusOf(code))
    .headers(headers)
    .header('content-type', PROBLEM_TYPE)
    .send(problemBody(code, errors));
}

/** Answers what Node's parser refuses before there is a request. */
function refuseRaw(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const code = error.code === 'HPE_HEADER_OVERFLOW' ? 'headers_too_large' : 'invalid_request';
  const body = problemBody(error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : code);
  const { status, title } = JSON.parse(body) as { status: number; title: string };
  const head = `HTTP/1.1 ${status} ${title}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
  socket.end(`${head}connection: close\r\n\r\n${body}`);
}
