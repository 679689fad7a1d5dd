import { fromUuid, uuidOf, type ReviewState, type ReviewStatus } from '@payflow/contracts';
import {
  statement,
  Unnested,
  type BulkColumn,
  type Database,
  type Part,
  type Row,
  type Transaction,
} from '@payflow/database';
import { parked } from '../database/parked.js';
import { toKey, type KeyRow, type PaymentKey } from '../database/payment.repository.js';
import type { Payment } from '../domain/payment.js';
import type { Owner } from './policy.repository.js';

/** A review, with the payment that it is about. */
export interface Review extends Owner, ReviewFacts {
  readonly payment: string;
  readonly expiresAt: string;
  /** False where the payment waits to be confirmed once it is approved. */
  readonly confirm: boolean;
}

export interface ReviewFacts {
  readonly status: ReviewStatus;
  readonly rule: string;
  readonly reason: string;
  readonly openedAt: string;
  readonly decidedAt: string | null;
  readonly decidedBy: string | null;
  readonly decisionReason: string | null;
  readonly decisionId: string | null;
  readonly version: number;
}

const COLUMNS: readonly BulkColumn<Review>[] = [
  ['tenant_id', 'uuid', ({ tenant }) => uuidOf('tenant', tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['id', 'uuid', ({ payment }) => uuidOf('payment', payment)],
  ['rule_id', 'uuid', ({ rule }) => uuidOf('riskRule', rule)],
  ['reason', 'text', ({ reason }) => reason],
  ['opened_at', 'timestamptz', ({ openedAt }) => openedAt],
  ['expires_at', 'timestamptz', ({ expiresAt }) => expiresAt],
  ['confirm', 'boolean', ({ confirm }) => confirm],
  ['status', 'text', ({ status }) => status],
  ['decided_at', 'timestamptz', ({ decidedAt }) => decidedAt],
  ['decided_by', 'text', ({ decidedBy }) => decidedBy],
  ['decision_reason', 'text', ({ decisionReason }) => decisionReason],
  ['decision_id', 'uuid', ({ decisionId }) => decisionId && uuidOf('event', decisionId)],
  ['version', 'bigint', ({ version }) => version],
];
const KEPT = new Unnested(COLUMNS);
/** How many parameters {@link reviewsSaved} takes. */
export const REVIEWS_WIDTH = KEPT.width;

/** Those of the payments, which must be locked: nobody else opens or decides them. */
export const REVIEWS: Part = {
  columns: COLUMNS.map(([name]) => name),
  width: 3,
  sql: (first) =>
    `select ${KEPT.names} from reviews
   where (tenant_id, livemode, id) in (select * from unnest($${first}::uuid[], $${first + 1}::boolean[], $${first + 2}::uuid[]))`,
};

/**
 * SQL, a list of CTEs: keeps reviews that were opened or decided; `reviewed` has a row for each. Conditional, though the payment is
 * locked: what was decided stays so.
 */
export const reviewsSaved = (first: number): string =>
  `reviewed as (
     insert into reviews as r (${KEPT.names}) select * from ${KEPT.from(first)}
     on conflict (tenant_id, livemode, id) do update set status = excluded.status, decided_at = excluded.decided_at,
       decided_by = excluded.decided_by, decision_reason = excluded.decision_reason, decision_id = excluded.decision_id,
       version = excluded.version, xact_id = pg_current_xact_id()
     where r.status = 'open' and r.version = excluded.version - 1
     returning 1)`;

/** The parameters of {@link reviewsSaved}. */
export function reviewsToSave(reviews: readonly Review[]): unknown[] {
  return KEPT.whole(reviews);
}

const OVER = statement(
  'reviews.over',
  `update reviews set swept_at = clock_timestamp()
   where (tenant_id, livemode, id) in (
     select tenant_id, livemode, id from reviews
     where status = 'open' and expires_at < clock_timestamp()
       and (swept_at is null or swept_at < clock_timestamp() - $1 * interval '1 millisecond')
       and not exists (${parked('reviews.tenant_id', 'reviews.id')})
     order by expires_at limit $2 for update skip locked)
   returning tenant_id, livemode, id`,
);

// Counted no further than somebody would read: the index has the open ones alone, oldest first. By `is not false`: as `livemode` alone
// it would be looked up in the primary key, and sorted.
const OPEN_COUNT = statement(
  'reviews.open-count',
  `select count(*)::integer as reviews, coalesce(extract(epoch from clock_timestamp() - min(opened_at)), 0)::integer as seconds
   from (select opened_at from reviews where status = 'open' and livemode is not false order by opened_at limit 10000) as r`,
);

export interface ReviewRow extends Row, KeyRow {
  rule_id: string;
  reason: string;
  opened_at: Date;
  expires_at: Date;
  confirm: boolean;
  status: ReviewStatus;
  decided_at: Date | null;
  decided_by: string | null;
  decision_reason: string | null;
  decision_id: string | null;
  version: bigint;
}

/** Takes reviews whose payments ran out of time; one that stays open is taken again after `wait_ms`. Returns the payments. */
export async function takeReviewsOver(tx: Transaction, wait_ms: number, limit: number): Promise<PaymentKey[]> {
  return (await tx.rows<KeyRow>(OVER, [wait_ms, limit])).map(toKey);
}

/** How many reviews of the live mode are open, up to 10,000, and how long the oldest has been: what waits in a test is nobody's alarm. */
export async function openReviewCount(db: Database): Promise<{ readonly reviews: number; readonly seconds: number }> {
  const [row] = await db.rows<{ reviews: number; seconds: number }>(OPEN_COUNT);
  return row as { reviews: number; seconds: number };
}

export function toReview(row: ReviewRow): Review {
  const { id: payment, ...owner } = toKey(row);
  return {
    ...owner,
    payment,
    status: row.status,
    rule: fromUuid('riskRule', row.rule_id),
    reason: row.reason,
    openedAt: row.opened_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    confirm: row.confirm,
    decidedAt: row.decided_at?.toISOString() ?? null,
    decidedBy: row.decided_by,
    decisionReason: row.decision_reason,
    decisionId: row.decision_id && fromUuid('event', row.decision_id),
    version: Number(row.version),
  };
}

/** A review as events tell of it, with what is known of its payment. */
export function reviewState(
  payment: Pick<Payment, 'id' | 'amount' | 'asset' | 'source' | 'destination' | 'method' | 'customer' | 'expiresAt'>,
  review: ReviewFacts,
): ReviewState {
  return {
    id: reviewOf(payment.id),
    payment: payment.id,
    status: review.status,
    rule: review.rule,
    reason: review.reason,
    amount: payment.amount,
    asset: payment.asset,
    source: payment.source,
    destination: payment.destination,
    method: payment.method,
    customer: payment.customer,
    opened_at: review.openedAt,
    expires_at: payment.expiresAt,
    decided_at: review.decidedAt,
    decided_by: review.decidedBy,
    decision_reason: review.decisionReason,
    version: review.version,
  };
}

/** The id of a payment's review: the same UUID. */
export function reviewOf(payment: string): string {
  return fromUuid('review', uuidOf('payment', payment));
}
