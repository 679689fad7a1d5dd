import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { found, type Acquirer } from './acquirer.js';
import type { Desk, Served } from './desk.js';
import { bytesOf } from './edge.js';
import { PROBLEM_TYPE, Problem } from './problems.js';
import { RateLimit } from './rate-limit.js';
import type { Settings } from './settings.js';
import { authorizationView, booksView, disputeView, type Links } from './views.js';
import { WISH_ROUTES, readWish } from './wishes.js';

export interface ApiParts {
  readonly acquirer: Acquirer;
  readonly desk: Desk;
  readonly settings: Settings;
  readonly links: Links;
}

/** Longer than anybody waits; then the connection is given up, or they would gather for ever. */
const NEVER_MS = 600_000;

type ById = { Params: { id: string } };

/** What an acquirer offers its merchants. */
export function merchantApi(fastify: FastifyInstance, parts: ApiParts): void {
  const { acquirer, desk, settings, links } = parts;
  const limit = new RateLimit();
  fastify.addHook('onRequest', async (_request, reply) => {
    if (settings.silent) return neverAnswer(reply);
    limit.check(settings.rate_limit);
    if (settings.latency_ms > 0) await delay(settings.latency_ms);
  });

  for (const route of WISH_ROUTES) {
    fastify.post<{ Params: { id?: string } }>(route.path, { schema: { body: route.body } }, async (request, reply) => {
      const served = await desk.serve(readWish(route, partsOf(request)));
      return answer(reply, served, settings);
    });
  }
  fastify.get<ById>('/v1/authorizations/:id', ({ params }) =>
    authorizationView(found(acquirer.authorizations, params.id), links),
  );
  fastify.get<{ Querystring: { idempotency_key: string } }>(
    '/v1/operations',
    { schema: { querystring: inquiry } },
    ({ query }) => {
      const known = desk.inquire(query.idempotency_key);
      return { data: known === null ? [] : [known] };
    },
  );
  fastify.get<ById>('/v1/disputes/:id', ({ params }) => disputeView(found(acquirer.disputes, params.id)));
  fastify.get('/v1/books', () => ({ object: 'books', data: booksView(acquirer.books) }));
  fastify.get<{ Params: { '*': string } }>('/v1/books/*', ({ params }) => ({
    object: 'books',
    merchant_reference: params['*'],
    data: booksView(acquirer.booksOf(params['*'])),
  }));
}

const inquiry = {
  type: 'object',
  additionalProperties: false,
  required: ['idempotency_key'],
  properties: { idempotency_key: { type: 'string', minLength: 1, maxLength: 255 } },
};

function partsOf(request: FastifyRequest<{ Params: { id?: string } }>) {
  return {
    url: request.url,
    target: request.params.id ?? null,
    key: request.headers['idempotency-key'],
    bytes: bytesOf.get(request) ?? Buffer.alloc(0),
    body: request.body,
  };
}

/** Answers as the scenario wants it. */
async function answer(reply: FastifyReply, { answer: kept, manner, isCopy }: Served, settings: Settings) {
  switch (manner) {
    case 'never':
      return neverAnswer(reply);
    case 'cut':
      reply.hijack();
      reply.raw.socket?.destroy();
      return;
    case 'slow':
      await delay(settings.slow_ms);
      break;
    case 'error_500':
      throw new Problem('internal_error');
    case 'plain':
      break;
    default:
      manner satisfies never;
  }
  if (kept === null) throw new Problem('internal_error');
  return reply
    .status(kept.status)
    .headers({ 'content-type': kept.status < 400 ? 'application/json; charset=utf-8' : PROBLEM_TYPE })
    .headers(isCopy ? { 'idempotency-replayed': 'true' } : {})
    .send(kept.body);
}

/** Keeps the connection, and says nothing. */
function neverAnswer(reply: FastifyReply): void {
  reply.hijack();
  const giveUp = setTimeout(() => reply.raw.socket?.destroy(), NEVER_MS);
  giveUp.unref();
  reply.raw.once('close', () => clearTimeout(giveUp));
}
