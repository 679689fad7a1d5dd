import { fromUuid, type ReviewState, type RiskRuleDefined } from '@payflow/contracts';
import { inMilliseconds as ms, published } from '@payflow/database';
import { LIMIT_MEMBERS, RULE_MEMBERS, toLimit, toRule, type LimitJson } from '../limits/policy.repository.js';
import { reviewOf } from '../limits/review.repository.js';

interface Keyed {
  readonly tenant_id: string;
  readonly livemode: boolean;
  readonly id: string;
}

interface Told<T> extends Keyed {
  readonly told: T;
  readonly first_at: string;
}

/** What readers keep of a thing that an event tells whole. */
function content<C extends { readonly version: number }>(
  { tenant_id, livemode, id }: Keyed,
  told: C,
  label: string,
  created_at: string,
) {
  return { tenant_id, livemode, id, version: told.version, label, content: told, created_at };
}

interface ReviewJson extends Omit<ReviewState, 'id' | 'payment'>, Keyed {}

/** A review's payment is what it was when the review was opened: of what a review tells, nothing can be changed later. */
function toReview(row: ReviewJson): ReviewState {
  const payment = fromUuid('payment', row.id);
  return {
    id: reviewOf(payment),
    payment,
    status: row.status,
    rule: fromUuid('riskRule', row.rule),
    reason: row.reason,
    amount: row.amount,
    asset: row.asset,
    source: fromUuid('account', row.source),
    destination: fromUuid('account', row.destination),
    method: row.method,
    customer: row.customer && fromUuid('customer', row.customer),
    opened_at: instant(row.opened_at),
    expires_at: instant(row.expires_at),
    decided_at: row.decided_at && instant(row.decided_at),
    decided_by: row.decided_by,
    decision_reason: row.decision_reason,
    version: row.version,
  };
}

function instant(text: string): string {
  return new Date(text).toISOString();
}

/** Readers list them by when they were defined first. */
const FIRST = (kind: string): string =>
  `(select min(f.defined_at) from policy_definitions f where f.tenant_id = t.tenant_id and f.livemode = t.livemode
     and f.kind = '${kind}' and f.subject_id = t.id and f.version = 1)`;

/** Of a limit or a rule that was deleted; null while it is in force. */
interface Ended {
  readonly deleted_at: string | null;
}

/** What a limit or a rule is to its readers, whether it is in force or was deleted. */
function inForceOrEnded<C extends { readonly version: number }>(row: Told<unknown> & Ended, told: C, label: string) {
  const first = instant(row.first_at);
  if (row.deleted_at === null) return content(row, told, label, first);
  return content(row, { ...told, deleted_at: instant(row.deleted_at) }, 'deleted', first);
}

/** Limits, rules and reviews as payments has told of them, whole, as its readers keep them. */
export const POLICIES_PUBLISHED = {
  limits: published({
    name: 'limits',
    from: 'limits t',
    select: `json_build_object(${LIMIT_MEMBERS('t')}) as told, ${FIRST('limit')} as first_at, t.deleted_at`,
    told: (row: Told<LimitJson> & Ended) => {
      const limit = toLimit(row.told);
      return inForceOrEnded(row, limit, limit.kind);
    },
  }),
  rules: published({
    name: 'rules',
    from: 'risk_rules t',
    select: `json_build_object(${RULE_MEMBERS('t')}) as told, ${FIRST('risk_rule')} as first_at, t.deleted_at`,
    told: (row: Told<RiskRuleDefined> & Ended) => {
      const rule = toRule(row.told);
      return inForceOrEnded(row, rule, rule.verdict);
    },
  }),
  reviews: published({
    name: 'reviews',
    from: 'reviews t join payments p on p.tenant_id = t.tenant_id and p.livemode = t.livemode and p.id = t.id',
    select: `t.status, t.rule_id as rule, t.reason, p.amount_minor::text as amount, p.asset, p.source_account_id as source,
      p.destination_account_id as destination, p.method, p.customer_id as customer, t.opened_at, ${ms('t.expires_at')} as expires_at,
      ${ms('t.decided_at')} as decided_at, t.decided_by, t.decision_reason, t.version`,
    told: (row: ReviewJson) => content(row, toReview(row), row.status, instant(row.opened_at)),
  }),
} as const;
