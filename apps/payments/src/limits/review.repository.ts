import { fromUuid, uuidOf, type ReviewDecision, type ReviewState, type ReviewStatus } from '@payflow/contracts';
import { statement, Unnested, type Database, type Row, type Transaction } from '@payflow/database';
import {
  paymentColumns,
  toKey,
  toPayment,
  type KeyRow,
  type PaymentKey,
  type PaymentRow,
} from '../database/payment.repository.js';
import type { Payment } from '../domain/payment.js';
import { ownerColumns, type Owner } from './policy.repository.js';

/** A payment that a rule wants to be looked at. */
export interface NewReview extends Owner {
  readonly payment: string;
  readonly rule: string;
  readonly reason: string;
  readonly openedAt: string;
  readonly expiresAt: string;
  /** False where the payment waits to be confirmed once it is approved. */
  readonly confirm: boolean;
}

/** What somebody, or the end of its time, makes of a review. */
export interface Deciding extends Owner {
  readonly payment: string;
  readonly decision: ReviewDecision | 'expire';
  readonly decisionId: string;
  readonly actor: string;
  readonly reason: string | null;
  /** The version that whoever decides has seen; undefined: any. */
  readonly ifVersion: number | undefined;
}

/** What became of it: the review as it stands, and its payment where it was decided just now. */
export interface Decided {
  readonly review: ReviewFacts | undefined;
  /** It was open until now, and was decided by this. */
  readonly isNew: boolean;
  readonly payment: Payment | undefined;
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

const OPENED = new Unnested<NewReview>([
  ['tenant_id', 'uuid', ({ tenant }) => uuidOf('tenant', tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['id', 'uuid', ({ payment }) => uuidOf('payment', payment)],
  ['rule_id', 'uuid', ({ rule }) => uuidOf('riskRule', rule)],
  ['reason', 'text', ({ reason }) => reason],
  ['opened_at', 'timestamptz', ({ openedAt }) => openedAt],
  ['expires_at', 'timestamptz', ({ expiresAt }) => expiresAt],
  ['confirm', 'boolean', ({ confirm }) => confirm],
]);

// The payment stays as it is, and says that it waits for a human: nobody asks the ledger for it until then.
const OPEN = statement(
  'reviews.open',
  `with opened as (insert into reviews (${OPENED.names}) select * from ${OPENED.from()} returning tenant_id, livemode, id)
   update payments p set admission = 'in_review', xact_id = pg_current_xact_id() from opened o
   where p.tenant_id = o.tenant_id and p.livemode = o.livemode and p.id = o.id`,
);

// One decision: of two, the second meets a review that is not open. Past the payment's time nobody can approve any more.
const DECIDE = statement(
  'reviews.decide',
  `with asked as (
     select * from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::bigint[])
       with ordinality as a (tenant_id, livemode, id, decision, decision_id, actor, reason, if_version, n)),
   decided as (
     update reviews r set status = case a.decision when 'approve' then 'approved' when 'deny' then 'denied' else 'expired' end,
       decided_at = clock_timestamp(), decided_by = a.actor, decision_reason = a.reason, decision_id = a.decision_id,
       version = r.version + 1, xact_id = pg_current_xact_id()
     from asked a
     where r.tenant_id = a.tenant_id and r.livemode = a.livemode and r.id = a.id and r.status = 'open'
       and r.version = coalesce(a.if_version, r.version)
       and case a.decision when 'approve' then r.expires_at > clock_timestamp()
         when 'expire' then r.expires_at <= clock_timestamp() else true end
     returning a.n, r.*),
   freed as (
     update payments p set admission = 'judged', updated_at = clock_timestamp(), xact_id = pg_current_xact_id()
     from decided d where p.tenant_id = d.tenant_id and p.livemode = d.livemode and p.id = d.id
     returning d.n, ${paymentColumns('p')})
   select a.n as asked, (d.n is not null) as is_new, d.confirm, coalesce(d.status, r.status) as review_status,
     coalesce(d.rule_id, r.rule_id) as rule_id, coalesce(d.reason, r.reason) as review_reason,
     coalesce(d.opened_at, r.opened_at) as opened_at, coalesce(d.decided_at, r.decided_at) as decided_at,
     coalesce(d.decided_by, r.decided_by) as decided_by, coalesce(d.decision_reason, r.decision_reason) as decision_reason,
     coalesce(d.decision_id, r.decision_id) as decision_id, coalesce(d.version, r.version) as review_version, f.*
   from asked a
   left join reviews r on r.tenant_id = a.tenant_id and r.livemode = a.livemode and r.id = a.id
   left join decided d on d.n = a.n
   left join freed f on f.n = a.n
   order by a.n`,
);

const OVER = statement(
  'reviews.over',
  `update reviews set swept_at = clock_timestamp()
   where (tenant_id, livemode, id) in (
     select tenant_id, livemode, id from reviews
     where status = 'open' and expires_at < clock_timestamp()
       and (swept_at is null or swept_at < clock_timestamp() - $1 * interval '1 millisecond')
     order by expires_at limit $2 for update skip locked)
   returning tenant_id, livemode, id`,
);

// Counted no further than somebody would read: the index has the open ones alone, oldest first.
const OPEN_COUNT = statement(
  'reviews.open-count',
  `select count(*)::integer as reviews, coalesce(extract(epoch from clock_timestamp() - min(opened_at)), 0)::integer as seconds
   from (select opened_at from reviews where status = 'open' order by opened_at limit 10000) as r`,
);

interface DecidedRow extends Row {
  asked: bigint;
  is_new: boolean;
  confirm: boolean | null;
  review_status: ReviewStatus | null;
  rule_id: string;
  review_reason: string;
  opened_at: Date;
  decided_at: Date | null;
  decided_by: string | null;
  decision_reason: string | null;
  decision_id: string | null;
  review_version: bigint;
}

export async function openReviews(tx: Transaction, reviews: readonly NewReview[]): Promise<void> {
  for (const values of OPENED.batches(reviews)) await tx.count(OPEN, values);
}

/** Takes reviews whose payments ran out of time; one that stays open is taken again after `wait_ms`. Returns the payments. */
export async function takeReviewsOver(tx: Transaction, wait_ms: number, limit: number): Promise<PaymentKey[]> {
  return (await tx.rows<KeyRow>(OVER, [wait_ms, limit])).map(toKey);
}

/** How many reviews are open, up to 10,000, and how long the oldest has been. */
export async function openReviewCount(db: Database): Promise<{ readonly reviews: number; readonly seconds: number }> {
  const [row] = await db.rows<{ reviews: number; seconds: number }>(OPEN_COUNT);
  return row as { reviews: number; seconds: number };
}

/** Decides those that are open still, in the order given. Each payment must be there once. */
export async function decideReviews(tx: Transaction, all: readonly Deciding[]): Promise<Decided[]> {
  if (all.length === 0) return [];
  const rows = await tx.rows<DecidedRow & PaymentRow>(DECIDE, [
    ...ownerColumns(all),
    all.map(({ payment }) => uuidOf('payment', payment)),
    all.map(({ decision }) => decision),
    all.map(({ decisionId }) => uuidOf('event', decisionId)),
    all.map(({ actor }) => actor),
    all.map(({ reason }) => reason),
    all.map(({ ifVersion }) => ifVersion ?? null),
  ]);
  return rows.map((row) => ({
    isNew: row.is_new,
    confirm: row.confirm ?? true,
    payment: row.is_new ? toPayment(row) : undefined,
    review: row.review_status === null ? undefined : toReview(row.review_status, row),
  }));
}

function toReview(status: ReviewStatus, row: DecidedRow): ReviewFacts {
  return {
    status,
    rule: fromUuid('riskRule', row.rule_id),
    reason: row.review_reason,
    openedAt: row.opened_at.toISOString(),
    decidedAt: row.decided_at?.toISOString() ?? null,
    decidedBy: row.decided_by,
    decisionReason: row.decision_reason,
    decisionId: row.decision_id && fromUuid('event', row.decision_id),
    version: Number(row.review_version),
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
