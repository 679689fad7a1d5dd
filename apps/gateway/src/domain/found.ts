import type { IdKind } from '@payflow/contracts';
import type { Scope } from './scope.js';

/** What a search can find, by the name that the API gives it. */
export interface FindableType {
  /** The kind of its ids; undefined where it is found by its name alone. */
  readonly ids: IdKind | undefined;
  /** What a caller needs to be told of it. */
  readonly scope: Scope;
  /** Where it is read; `:payment`: it is shown with its payment. Null where it is no resource of its own. */
  readonly path: string | null;
}

export const FINDABLE = {
  payment: { ids: 'payment', scope: 'payments:read', path: '/payments/:id' },
  refund: { ids: 'refund', scope: 'payments:read', path: '/refunds/:id' },
  capture: { ids: 'capture', scope: 'payments:read', path: '/captures/:id' },
  confirmation: { ids: 'confirmation', scope: 'payments:read', path: '/payments/:payment' },
  increment: { ids: 'increment', scope: 'payments:read', path: '/payments/:payment' },
  cancellation: { ids: 'cancellation', scope: 'payments:read', path: '/payments/:payment' },
  dispute: { ids: 'dispute', scope: 'payments:read', path: '/disputes/:id' },
  payment_bulk: { ids: undefined, scope: 'payments:read', path: null },
  account: { ids: 'account', scope: 'accounts:read', path: '/accounts/:id' },
  transfer: { ids: 'transfer', scope: 'transfers:read', path: '/transfers/:id' },
  transfer_group: { ids: 'group', scope: 'transfers:read', path: '/transfer_groups/:id' },
  transfer_bulk: { ids: 'bulk', scope: 'transfers:read', path: '/transfers/bulk/:id' },
  transaction_type: { ids: undefined, scope: 'transfers:read', path: '/transaction_types/:id' },
  hold: { ids: 'hold', scope: 'holds:read', path: '/holds/:id' },
  limit: { ids: 'limit', scope: 'limits:read', path: '/limits/:id' },
  risk_rule: { ids: 'riskRule', scope: 'limits:read', path: '/risk_rules/:id' },
  review: { ids: 'review', scope: 'reviews:read', path: '/reviews/:id' },
  /** A change of something that was there: its key is found, and how it was answered. */
  change: { ids: undefined, scope: 'accounts:read', path: null },
} as const satisfies Readonly<Record<string, FindableType>>;

export type Findable = keyof typeof FINDABLE;

/** By what of it something was found. */
export const MATCHES = ['id', 'reference', 'provider_reference', 'path', 'name', 'idempotency_key'] as const;
export type Match = (typeof MATCHES)[number];

export interface Found {
  readonly matched: Match;
  readonly type: Findable;
  /** Null where it has none that could be read. */
  readonly id: string | null;
  readonly payment: string | null;
  readonly status: string | null;
  readonly amount: string | null;
  readonly asset: string | null;
  /** Of a key: the status that its request was answered with; null until it is. */
  readonly replyStatus: number | null;
  readonly createdAt: string;
}

/** The search result of the HTTP API. */
export function foundResource({ matched, type, id, payment, status, amount, asset, replyStatus, createdAt }: Found) {
  const { path } = FINDABLE[type] as FindableType;
  const url =
    id === null || path === null ? null : `/api/v1${path.replace(':id', id).replace(':payment', payment ?? '')}`;
  return {
    object: 'search_result',
    matched,
    type,
    id,
    url,
    status,
    amount,
    asset,
    reply_status: replyStatus,
    created_at: createdAt,
  };
}
