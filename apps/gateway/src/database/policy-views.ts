import type { LimitDefined, ReviewState, RiskRuleDefined } from '@payflow/contracts';
import { ContentViews } from './content-views.js';

/** Limits in the versions in force. */
export const LIMIT_VIEWS = new ContentViews<LimitDefined>('limit_views', 'limit', {
  label: ({ kind }) => kind,
  createdAt: ({ defined_at }) => defined_at,
});

/** Risk rules in the versions in force. */
export const RISK_RULE_VIEWS = new ContentViews<RiskRuleDefined>('risk_rule_views', 'riskRule', {
  label: ({ verdict }) => verdict,
  createdAt: ({ defined_at }) => defined_at,
});

/** Reviews, open and decided. */
export const REVIEW_VIEWS = new ContentViews<ReviewState>('review_views', 'review', {
  label: ({ status }) => status,
  createdAt: ({ opened_at }) => opened_at,
});
