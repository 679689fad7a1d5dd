import type { LimitDefined, LimitDeleted, ReviewState, RiskRuleDefined, RiskRuleDeleted } from '@payflow/contracts';
import { ContentViews, DELETED } from './content-views.js';

/** Limits in the versions in force. */
export const LIMIT_VIEWS = new ContentViews<LimitDefined | LimitDeleted>('limit_views', 'limit', {
  label: (limit) => ('deleted_at' in limit ? DELETED : limit.kind),
  createdAt: ({ defined_at }) => defined_at,
});

/** Risk rules in the versions in force. */
export const RISK_RULE_VIEWS = new ContentViews<RiskRuleDefined | RiskRuleDeleted>('risk_rule_views', 'riskRule', {
  label: (rule) => ('deleted_at' in rule ? DELETED : rule.verdict),
  createdAt: ({ defined_at }) => defined_at,
});

/** Reviews, open and decided. */
export const REVIEW_VIEWS = new ContentViews<ReviewState>('review_views', 'review', {
  label: ({ status }) => status,
  createdAt: ({ opened_at }) => opened_at,
});
