import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];
const HEADERS = [
  'authorization',
  'cache-control',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'payflow-version',
  'prefer',
  'request-id',
  'traceparent',
];
/** Browsers keep what they were told for two hours at most. */
const MAX_AGE_S = 7_200;

/** Of the answer to a question beforehand. Safari waits for a body where its length is not said. */
const TOLD = {
  'access-control-allow-methods': METHODS.join(', '),
  'access-control-allow-headers': HEADERS.join(', '),
  'access-control-max-age': String(MAX_AGE_S),
  'content-length': '0',
};

const ALLOWED: FastifyCorsOptions = {
  exposedHeaders: [
    'age',
    'content-disposition',
    'deprecation',
    'etag',
    'idempotency-replayed',
    'link',
    'location',
    'payflow-version',
    'payflow-view-lag',
    'preference-applied',
    'ratelimit',
    'ratelimit-policy',
    'request-id',
    'retry-after',
    'sunset',
    'traceparent',
    'www-authenticate',
  ],
  // Credentials are headers that a page sets itself; a cookie never is one.
  credentials: false,
  // Questions beforehand are answered once it is known that their address may ask: {@link answerPreflights}.
  preflight: false,
};

const PREFLIGHT = Symbol('preflight');
type AskingRequest = FastifyRequest & { [PREFLIGHT]?: true };

/**
 * Lets pages of these origins call the API from a browser. To all others it says nothing of it: their browsers then keep the answers
 * from them. Before anything can refuse the request, so that such a page can read why.
 */
export async function allowOrigins(fastify: FastifyInstance, origins: readonly string[]): Promise<void> {
  const allowed = new Set(origins);
  await fastify.register(cors, {
    hook: 'onRequest',
    delegator: (request: AskingRequest, done: (error: Error | null, options?: FastifyCorsOptions) => void) => {
      const { origin, 'access-control-request-method': asked } = request.headers;
      const isQuestion = request.method === 'OPTIONS';
      const isAllowed = origin !== undefined && allowed.has(origin) && !(isQuestion && asked === undefined);
      if (isAllowed && isQuestion) request[PREFLIGHT] = true;
      done(null, { ...ALLOWED, origin: isAllowed ? origin : false });
    },
  });
}

/** Answers what browsers ask beforehand for such a page: without a credential, for they send none with it. */
export function answerPreflights(fastify: FastifyInstance): void {
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    if (isPreflight(request)) void reply.status(204).headers(TOLD).send();
    else done();
  });
}

/** Whether the request is what a browser asks beforehand, for a page that may call the API. */
export function isPreflight(request: FastifyRequest): boolean {
  return (request as AskingRequest)[PREFLIGHT] === true;
}
