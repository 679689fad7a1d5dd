import { formatAmount } from '@payflow/money';
import type { FastifyInstance } from 'fastify';
import {
  CUSTOMER_APPROVES,
  CUSTOMER_DENIES,
  CUSTOMER_GOES_ELSEWHERE,
  found,
  type Acquirer,
  type Done,
} from './acquirer.js';
import type { Desk, Received } from './desk.js';
import { kept } from './domain/authorization.js';
import { standingOf } from './domain/books.js';
import { timesDone, whatIsDone } from './domain/operation.js';
import { SCENARIOS } from './scenarios.js';
import type { Settings } from './settings.js';
import { booksView } from './views.js';
import type { Webhooks } from './webhooks.js';

export interface TestParts {
  readonly acquirer: Acquirer;
  readonly desk: Desk;
  readonly webhooks: Webhooks;
  readonly settings: Settings;
  readonly initialSettings: Settings;
  /** Takes no connections for a while, and gives up those there are. */
  readonly refuseConnections: (for_ms: number) => void;
}

type ById = { Params: { id: string } };

const milliseconds = { type: 'integer', minimum: 0, maximum: 600_000 };
const digits = { type: 'string', pattern: '^[1-9][0-9]{0,17}$' };
const closed = (properties: object, required: readonly string[] = []) => ({
  schema: { body: { type: 'object', additionalProperties: false, properties, required } },
});

/** What comes of what the customer does. */
const ACTED = { approve: CUSTOMER_APPROVES, deny: CUSTOMER_DENIES, elsewhere: CUSTOMER_GOES_ELSEWHERE } as const;

/** What tests and people at a desk can make happen, and see. Nothing here is slowed, limited or silenced. */
export function testControls(fastify: FastifyInstance, parts: TestParts): void {
  happenings(fastify, parts);
  settings(fastify, parts);
  views(fastify, parts);
}

function happenings(fastify: FastifyInstance, { acquirer, webhooks }: TestParts): void {
  const told = ({ answer, events }: Done): object => {
    void webhooks.tell(events);
    return JSON.parse(answer.body) as object;
  };
  fastify.post<ById & { Body: { amount?: string; reason?: string } }>(
    '/test/authorizations/:id/disputes',
    closed({ amount: digits, reason: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,63}$' } }),
    ({ params, body }, reply) => {
      const all = kept(found(acquirer.authorizations, params.id).sums);
      const amount = body.amount === undefined ? all : BigInt(body.amount);
      return reply
        .status(201)
        .send(told(acquirer.openDispute(params.id, { amount, reason: body.reason ?? 'fraudulent' })));
    },
  );
  fastify.post<ById & { Body: { outcome: 'won' | 'lost' } }>(
    '/test/disputes/:id/decision',
    closed({ outcome: { enum: ['won', 'lost'] } }, ['outcome']),
    ({ params, body }) => told(acquirer.decideDispute(params.id, body.outcome)),
  );
  fastify.post<ById & { Body: { outcome: keyof typeof ACTED } }>(
    '/test/authorizations/:id/action',
    closed({ outcome: { enum: Object.keys(ACTED) } }, ['outcome']),
    ({ params, body }) => told(acquirer.completeAction(params.id, ACTED[body.outcome])),
  );
}

function settings(fastify: FastifyInstance, parts: TestParts): void {
  const { settings: current, initialSettings, acquirer, desk, webhooks, refuseConnections } = parts;
  const rateLimit = {
    type: ['object', 'null'],
    additionalProperties: false,
    required: ['per_second', 'retry_after_s'],
    properties: {
      per_second: { type: 'integer', minimum: 0, maximum: 1_000_000 },
      retry_after_s: { type: 'integer', minimum: 0, maximum: 3_600 },
    },
  };
  fastify.get('/test/settings', () => current);
  fastify.post<{ Body: Partial<Settings> }>(
    '/test/settings',
    closed({
      latency_ms: milliseconds,
      slow_ms: milliseconds,
      late_ms: milliseconds,
      silent: { type: 'boolean' },
      rate_limit: rateLimit,
      chaos: { type: 'number', minimum: 0, maximum: 1 },
      plain: { type: 'boolean' },
    }),
    ({ body }) => Object.assign(current, body),
  );
  fastify.post<{ Body: { for_ms: number } }>(
    '/test/refuse_connections',
    closed({ for_ms: { ...milliseconds, minimum: 1 } }, ['for_ms']),
    ({ body }, reply) => {
      reply.raw.once('finish', () => refuseConnections(body.for_ms));
      return reply.status(202).send({ for_ms: body.for_ms });
    },
  );
  fastify.post('/test/reset', closed({}), () => {
    acquirer.reset();
    desk.forget();
    webhooks.forget();
    return Object.assign(current, initialSettings);
  });
}

const LISTED_MAX = 10_000;

function views(fastify: FastifyInstance, { acquirer, desk, webhooks }: TestParts): void {
  fastify.get('/test/scenarios', () => ({
    data: SCENARIOS.map(({ name, ending, on, summary }) => ({
      token: `tok_${name}`,
      amount_ending: ending,
      on,
      summary,
    })),
  }));
  fastify.get<{ Querystring: { idempotency_key?: string } }>('/test/requests', ({ query }) => {
    const one = query.idempotency_key === undefined ? undefined : desk.received.get(query.idempotency_key);
    const records: [string, Received][] =
      query.idempotency_key === undefined
        ? [...desk.received].slice(-LISTED_MAX)
        : one
          ? [[query.idempotency_key, one]]
          : [];
    const times = timesDone(acquirer.operations);
    return {
      data: records.map(([key, record]) => {
        const operation = acquirer.keptUnder(key)?.operation;
        return {
          idempotency_key: key,
          ...record,
          done: operation === undefined ? 0 : 1,
          alike: operation === undefined ? 0 : (times.get(whatIsDone(operation)) ?? 0),
          scenario: operation?.scenario ?? acquirer.accepted.get(key)?.scenario ?? null,
        };
      }),
    };
  });
  fastify.get('/test/webhooks', () => ({ data: [...webhooks.deliveries.values()] }));
  fastify.get('/test/check', () => {
    const { problems, doubleCharges } = acquirer.check();
    const standing = standingOf(acquirer.authorizations.values(), Date.now());
    return {
      balanced: problems.length === 0,
      problems,
      double_charges: doubleCharges,
      standing: standing.map(({ merchantReference, currency, amount }) => ({
        merchant_reference: merchantReference,
        currency,
        amount: formatAmount(amount),
      })),
      operations: acquirer.operations.length,
      books: booksView(acquirer.books),
    };
  });
}
