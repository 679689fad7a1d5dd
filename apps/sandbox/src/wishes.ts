import { createHash } from 'node:crypto';
import { ASSETS, parseAmount } from '@payflow/money';
import type { Asked, Wish } from './domain/operation.js';
import { Problem } from './problems.js';
import { isToken } from './scenarios.js';

const closed = (properties: object, required = Object.keys(properties)) =>
  ({ type: 'object', additionalProperties: false, properties, required }) as const;

const sum = closed({
  value: { type: 'string', pattern: '^[1-9][0-9]{0,17}$' },
  currency: { type: 'string', pattern: '^[A-Z]{3}$' },
});

interface SumBody {
  readonly value: string;
  readonly currency: string;
}

/** Every body there is, as a member each. */
interface Body {
  readonly merchant_reference?: string;
  readonly amount?: SumBody;
  readonly token?: string;
  readonly capture?: boolean;
  readonly final?: boolean;
}

/** One way in: where, with which body, and what it wishes. */
export interface WishRoute {
  readonly path: string;
  readonly body: object;
  readonly type: (body: Body) => Asked;
}

export const WISH_ROUTES: readonly WishRoute[] = [
  {
    path: '/v1/authorizations',
    body: closed({
      merchant_reference: { type: 'string', pattern: '^[!-~]{1,255}$' },
      amount: sum,
      token: { type: 'string', minLength: 1, maxLength: 100 },
      capture: { type: 'boolean' },
    }),
    type: ({ capture }) => (capture === true ? 'sale' : 'authorize'),
  },
  { path: '/v1/authorizations/:id/increments', body: closed({ amount: sum }), type: () => 'increment' },
  {
    path: '/v1/authorizations/:id/captures',
    body: closed({ amount: sum, final: { type: 'boolean' } }),
    type: () => 'capture',
  },
  { path: '/v1/authorizations/:id/void', body: closed({}), type: () => 'void' },
  { path: '/v1/authorizations/:id/refunds', body: closed({ amount: sum }), type: () => 'refund' },
  {
    path: '/v1/disputes/:id/evidence',
    body: {
      type: 'object',
      minProperties: 1,
      maxProperties: 50,
      propertyNames: { pattern: '^[a-z][a-z0-9_]{0,63}$' },
      additionalProperties: { type: 'string', maxLength: 20_000 },
    },
    type: () => 'evidence',
  },
];

/** A well-formed request as a wish. Throws the problem of what a schema cannot see. */
export function readWish(
  route: WishRoute,
  request: { url: string; target: string | null; key: unknown; bytes: Buffer; body: unknown },
): Wish {
  const body = request.body as Body;
  const type = route.type(body);
  return {
    type,
    idempotencyKey: keyOf(request.key),
    fingerprint: createHash('sha256').update(`${request.url}\n`).update(request.bytes).digest('base64url'),
    target: request.target,
    ...sumOf(body.amount),
    merchantReference: body.merchant_reference ?? null,
    token: type === 'authorize' || type === 'sale' ? tokenOf(body.token ?? '') : null,
    isFinal: body.final === true,
    evidence: type === 'evidence' ? (request.body as Record<string, string>) : null,
  };
}

function keyOf(given: unknown): string {
  if (typeof given !== 'string' || !/^[!-~]{1,255}$/.test(given)) throw new Problem('idempotency_key_invalid');
  return given;
}

function tokenOf(token: string): string {
  if (!isToken(token)) throw new Problem('token_unknown');
  return token;
}

function sumOf(given: SumBody | undefined): { amount: bigint | null; currency: string | null } {
  if (!given) return { amount: null, currency: null };
  const amount = parseAmount(given.value);
  if (amount === undefined) throw new Problem('invalid_request');
  if (ASSETS.get(given.currency)?.kind !== 'fiat') throw new Problem('currency_unknown');
  return { amount, currency: given.currency };
}
