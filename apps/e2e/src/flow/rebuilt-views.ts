/** A view, and what a test of its rebuild does with it. */
interface TestedView {
  /** What its owner says; not what is the gateway's own, and not when it was touched. */
  readonly shown: string;
  /** Of four rows one is damaged in one way, and one in another. */
  readonly damage: readonly [string, string];
  readonly key: string;
  /** Rows that are there by an owner's word: what never came to be has no owner. */
  readonly told: string;
}

const tested = (
  less: readonly string[],
  damage: readonly [string, string],
  more: Partial<TestedView> = {},
): TestedView => ({
  shown: `to_jsonb(v) - '{${less.join()}}'::text[]`,
  damage,
  key: 'id',
  told: 'version > 0',
  ...more,
});
const POSTED = { told: `status = 'posted'` };
const content = tested([], [`label = 'a lie'`, `version = version + 1000, content = '{"a":"lie"}'`]);

export const TESTED_VIEWS = {
  account_views: tested(
    ['updated_at', 'terms_version'],
    [`posted_credits_minor = posted_credits_minor + 7`, `version = version + 1000, metadata = '{"a":"lie"}'`],
  ),
  payment_views: tested(
    ['updated_at', 'trace_id'],
    [
      `amount_minor = amount_minor + 1, reference = 'a lie'`,
      `version = version + 1000, amount_captured_minor = 0, amount_refunded_minor = 0`,
    ],
  ),
  payment_operation_views: tested(
    ['updated_at', 'trace_id'],
    [`amount_minor = 999999`, `version = 1000, reason = 'a lie'`],
  ),
  dispute_views: tested(
    ['updated_at', 'trace_id'],
    [
      `amount_disputed_minor = 1, status = 'lost'`,
      `version = version + 1000, leg = 'waived', transfer_id = null, evidence_submitted_at = now()`,
    ],
  ),
  transfer_views: tested(
    ['version', 'created_at', 'trace_id', 'content_hash'],
    [`amount_minor = amount_minor + 1`, `metadata_version = metadata_version + 1000, metadata = '{"a":"lie"}'`],
    POSTED,
  ),
  transfer_group_views: tested(
    ['version', 'created_at', 'trace_id'],
    [`metadata = '{"a":"lie"}'`, `version = version + 1000, effective_at = now()`],
    POSTED,
  ),
  hold_views: tested(
    ['updated_at', 'created_at', 'trace_id'],
    [`asset = 'EUR'`, `version = version + 1000, status = 'expired'`],
  ),
  transaction_type_views: tested(
    [],
    [`debit = '[{"path":"a:lie"}]', credit = null`, `version = version + 1000, template = null`],
    { key: 'name' },
  ),
  unit_views: tested([], [`name = 'a lie'`, `scale = scale + 1`], { key: 'code', told: 'true' }),
  limit_views: content,
  risk_rule_views: content,
  review_views: content,
} as const satisfies Readonly<Record<string, TestedView>>;

export type TestedTable = keyof typeof TESTED_VIEWS;
export const TESTED_TABLES = Object.keys(TESTED_VIEWS) as TestedTable[];
