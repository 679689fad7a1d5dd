import { LIMIT_KINDS, LIMIT_SCOPES, LIMITED_METHODS, REVIEW_STATUSES, RISK_VERDICTS } from '@payflow/contracts';
import { LIMIT_REQUEST_SCHEMA } from '../payments/limit.request.js';
import { REVIEW_DECISION_REQUEST_SCHEMA } from '../payments/review.request.js';
import { RISK_RULE_REQUEST_SCHEMA } from '../payments/risk-rule.request.js';
import {
  amount,
  assetCode,
  count,
  id,
  instant,
  list,
  nullable,
  nullableText,
  resource,
  text,
  version,
} from './schema-parts.js';

const nullableCount = { type: ['integer', 'null'], minimum: 0 };

/** What the API takes and gives of limits, risk rules and reviews. */
export const LIMIT_SCHEMAS: Readonly<Record<string, object>> = {
  LimitRequest: LIMIT_REQUEST_SCHEMA,
  Limit: resource({
    id: id('limit'),
    object: { const: 'limit' },
    version,
    kind: { enum: LIMIT_KINDS },
    scope: {
      enum: LIMIT_SCOPES,
      description: 'Whose payments are counted together. Those without a customer share one place.',
    },
    customer: nullable(id('customer')),
    method: nullable({ enum: LIMITED_METHODS }),
    asset: nullable(assetCode),
    amount: nullable(amount),
    count: nullableCount,
    minutes: nullableCount,
    enabled: { type: 'boolean' },
    defined_at: nullable(instant),
    deleted_at: {
      ...nullable(instant),
      description: 'Null while it is in force: a deleted limit is told once, and then not found.',
    },
  }),
  LimitList: list('Limit'),
  LimitUse: resource({
    object: { const: 'limit_use' },
    limit: id('limit'),
    customer: nullable(id('customer')),
    window_start: { ...nullable(instant), description: 'Null on a limit of single payments.' },
    window_end: nullable(instant),
    reserved: { ...amount, description: 'By payments that have not ended.' },
    used: { ...amount, description: 'By payments that succeeded; refunds give nothing back.' },
    left: { ...nullable(amount), description: 'Null on a velocity.' },
    payments: count,
    payments_left: nullableCount,
  }),
  RiskRuleRequest: RISK_RULE_REQUEST_SCHEMA,
  RiskRule: resource({
    id: id('riskRule'),
    object: { const: 'risk_rule' },
    version,
    priority: { type: 'integer', description: 'Rules are asked from the smallest up; the first that fits decides.' },
    verdict: { enum: RISK_VERDICTS },
    reason: text,
    conditions: RISK_RULE_REQUEST_SCHEMA.properties.conditions,
    enabled: { type: 'boolean' },
    defined_at: nullable(instant),
    deleted_at: {
      ...nullable(instant),
      description: 'Null while it is in force: a deleted rule is told once, and then not found.',
    },
  }),
  RiskRuleList: list('RiskRule'),
  ReviewDecisionRequest: REVIEW_DECISION_REQUEST_SCHEMA,
  Review: resource({
    id: id('review'),
    object: { const: 'review' },
    payment: id('payment'),
    status: { enum: REVIEW_STATUSES },
    rule: id('riskRule'),
    reason: text,
    amount,
    asset: assetCode,
    source: id('account'),
    destination: id('account'),
    method: { type: 'object', required: ['type'], properties: { type: { enum: LIMITED_METHODS } } },
    customer: nullable(id('customer')),
    opened_at: instant,
    expires_at: { ...instant, description: "The payment's own time: past it, it fails with `review_expired`." },
    decided_at: nullable(instant),
    decided_by: nullableText,
    decision_reason: nullableText,
    version,
  }),
  ReviewList: list('Review'),
};
