import { BODY_BYTES_MAX, Problem } from '@payflow/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { admitRequests, turnAwayAtDoor, type Admission } from '../../load/admission.js';
import { API_VERSION } from '../../domain/api-version.js';
import { tellVersion } from './api-version.js';
import { authenticate, authorize, isSigned, type Door, type KeyedRoute } from './authentication.js';
import { refuseCardNumberIn, refuseCardNumbersInUrl } from './card-numbers.js';
import { compressAnswers } from '../compression/compression.js';
import { allowOrigins, answerPreflights } from './cors.js';
import { isSecured, type EdgeConfiguration } from './edge.config.js';
import { checkVersion } from './headers.js';
import { parseStrictJson, type JsonObject } from './strict-json.js';
import { admitAddresses, admitCallers, noteAnswers } from './watching.js';

/** Node drops what is over its own limit without a word; this many are refused aloud. */
const HEADERS_MAX = 100;
/** Headers whose text is kept with what a request makes. */
const KEPT_HEADERS = ['idempotency-key', 'request-id'];
const ALIAS = '/api/';
const VERSIONED = '/api/v1/';

/** Ten thousand transfers of the usual size. */
const BULK_BYTES_MAX = 4 * 1024 * 1024;

/** A bulk as it came. */
export interface BulkBytes {
  readonly bytes: Buffer;
  readonly format: 'json' | 'ndjson';
}

/** A body as it came, of which nothing was read. */
export interface RawBytes {
  readonly bytes: Buffer;
}

/** A body as it came, for the fingerprint, and as what it says. */
export interface ParsedBody {
  readonly bytes: Buffer;
  readonly json: JsonObject;
}

const NO_BODY: ParsedBody = { bytes: Buffer.alloc(0), json: {} };

/** The unversioned `/api/…` is v1, the only one; what changes within it goes by the dated versions that keys are pinned to. */
export function withVersion(url: string): string {
  return url.startsWith(ALIAS) && !url.startsWith(VERSIONED) ? `${VERSIONED}${url.slice(ALIAS.length)}` : url;
}

/** What the edge asks, beside what it finds out by itself. */
export interface EdgeParts {
  /** Who is let in; there once the module is made. */
  readonly door: () => Door;
  readonly admission: Admission;
}

/** What every request to the gateway meets, in order: limits, whether there is room, who it is, how often it may ask, the body. */
export async function gatewayEdge(
  fastify: FastifyInstance,
  config: EdgeConfiguration,
  { door, admission }: EdgeParts,
): Promise<void> {
  fastify.addHook('onRequest', dressWith(securityHeaders(config)));
  const origins = config.PAYFLOW_CORS_ORIGINS;
  if (origins) await allowOrigins(fastify, origins);
  admitAddresses(fastify, door);
  if (origins) answerPreflights(fastify);
  fastify.addHook('onRequest', guard);
  turnAwayAtDoor(fastify, admission);
  authenticate(fastify, door);
  fastify.addHook('onRequest', tellVersion);
  admitCallers(fastify, door);
  authorize(fastify);
  admitRequests(fastify, admission);
  // After the admission has seen the answer: compressed, each would look like a stream, which holds its place until it is sent.
  if (config.PAYFLOW_COMPRESSION === 'on')
    compressAnswers(fastify, { bytes_min: config.PAYFLOW_COMPRESSION_BYTES_MIN });
  noteAnswers(fastify, door);
  readJsonBodies(fastify);
}

const API_HEADERS = {
  'payflow-version': API_VERSION,
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** What helmet would set, for an API that no page embeds. */
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
};

/** Over plain HTTP this must not be said (RFC 6797 §7.2), and would mean nothing. */
const SECURED = { 'strict-transport-security': 'max-age=31536000; includeSubDomains' };

function securityHeaders(config: EdgeConfiguration): Readonly<Record<string, string>> {
  return isSecured(config) ? { ...SECURITY_HEADERS, ...SECURED } : SECURITY_HEADERS;
}

/** Of what is answered before there is a route: whatever it was to be, the answer is as one of the API's. */
export function routelessHeaders(config: EdgeConfiguration): Readonly<Record<string, string>> {
  return { ...securityHeaders(config), ...API_HEADERS };
}

/** Before anything can refuse the request: a refusal has them too. */
function dressWith(security: Readonly<Record<string, string>>) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    void reply.headers(security);
    if (request.url.startsWith(ALIAS)) void reply.headers(API_HEADERS);
    done();
  };
}

function guard(request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void {
  // Names and values alternate.
  if (request.raw.rawHeaders.length > HEADERS_MAX * 2) return done(new Problem('headers_too_large'));
  try {
    checkVersion(request.headers['payflow-version']);
    refuseCardNumbersInUrl(request.url);
    for (const name of KEPT_HEADERS) refuseCardNumberIn(String(request.headers[name] ?? ''), name);
    done();
  } catch (error) {
    done(error as Error);
  }
}

/** JSON in UTF-8 and nothing else, not compressed: a bomb needs a fuse. */
function readJsonBodies(fastify: FastifyInstance): void {
  fastify.removeAllContentTypeParsers();
  fastify.addHook('preParsing', (request, _reply, _payload, done) => {
    const encoding = request.headers['content-encoding'];
    const refused = encoding !== undefined && encoding.toLowerCase() !== 'identity';
    done(refused ? new Problem('unsupported_media_type', { detail: 'Content-Encoding is not supported.' }) : null);
  });
  fastify.addHook('onRoute', (route) => {
    if (isBulk(route.config)) route.bodyLimit = BULK_BYTES_MAX;
  });
  fastify.addContentTypeParser(
    'application/x-ndjson',
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    (request: FastifyRequest, bytes: Buffer, done: (error: Error | null, body?: BulkBytes) => void) => {
      if (isBulk(request.routeOptions.config)) done(null, { bytes, format: 'ndjson' });
      else done(new Problem('unsupported_media_type'));
    },
  );
  fastify.addContentTypeParser(
    /^application\/json(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*$/i,
    { parseAs: 'buffer', bodyLimit: BODY_BYTES_MAX },
    (
      request: FastifyRequest,
      bytes: Buffer,
      done: (error: Error | null, body?: ParsedBody | BulkBytes | RawBytes) => void,
    ) => {
      try {
        if (isSigned(request)) done(null, { bytes });
        else if (bytes.length === 0) done(null);
        else if (isBulk(request.routeOptions.config)) done(null, { bytes, format: 'json' });
        else done(null, { bytes, json: parseStrictJson(bytes) });
      } catch (error) {
        done(error as Error);
      }
    },
  );
}

function isBulk(config: unknown): boolean {
  return (config as Partial<KeyedRoute> | undefined)?.bulk === true;
}

/** The body of a request, which nothing stands for where its route can do without. */
export function bodyOf<B extends ParsedBody | BulkBytes | RawBytes = ParsedBody>(request: FastifyRequest): B {
  return (request.body as B | undefined) ?? (nothingSaid(request) as ParsedBody as B);
}

function nothingSaid({ headers, routeOptions }: FastifyRequest): ParsedBody {
  if ((routeOptions.config as Partial<KeyedRoute>).bodyOptional) return NO_BODY;
  // Without a content type nothing was read.
  throw headers['content-type']
    ? new Problem('invalid_json', { detail: 'Refused: the body is empty.' })
    : new Problem('unsupported_media_type');
}
