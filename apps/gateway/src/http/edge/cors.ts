import cors, { type FastifyCorsOptions } from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';

const ALLOWED: FastifyCorsOptions = {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowedHeaders: [
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
  ],
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
  // Browsers keep what they were told for two hours at most.
  maxAge: 7_200,
};

/**
 * Lets pages of these origins call the API from a browser, and answers their questions beforehand. To all others it says nothing
 * of it: their browsers then keep the answers from them.
 */
export async function allowOrigins(fastify: FastifyInstance, origins: readonly string[]): Promise<void> {
  const allowed = new Set(origins);
  await fastify.register(cors, {
    hook: 'onRequest',
    delegator: (request: FastifyRequest, done: (error: Error | null, options?: FastifyCorsOptions) => void) => {
      const { origin, 'access-control-request-method': asked } = request.headers;
      const isNoQuestion = request.method === 'OPTIONS' && asked === undefined;
      const isAllowed = origin !== undefined && allowed.has(origin) && !isNoQuestion;
      done(null, { ...ALLOWED, origin: isAllowed ? origin : false });
    },
  });
}
