import {
  PROBLEMS,
  type LimitDefined,
  type LimitDeleted,
  type Refusal,
  type ReviewState,
  type RiskRuleDefined,
  type RiskRuleDeleted,
} from '@payflow/contracts';
import { PROBLEM_CONTENT_TYPE, problemBody } from '@payflow/service';
import { limitResource, reviewResource, riskRuleResource } from '../domain/limit.js';
import type { Reply } from './acceptable.js';
import { refusalCode } from './refusal-codes.js';
import { refusalDetail } from './refusal-detail.js';

export const LIMITS_PATH = '/api/v1/limits';
export const RISK_RULES_PATH = '/api/v1/risk_rules';
export const REVIEWS_PATH = '/api/v1/reviews';
const JSON_CONTENT_TYPE = 'application/json; charset=utf-8';

/** 201 with the limit in its version. */
export function limitReply(limit: LimitDefined): Reply {
  return given(201, limitResource(limit), { location: `${LIMITS_PATH}/${limit.id}` });
}

/** 200 with the limit as it was, and when it ended. */
export function limitDeletedReply(limit: LimitDeleted): Reply {
  return given(200, limitResource(limit), {});
}

/** 201 with the rule in its version. */
export function riskRuleReply(rule: RiskRuleDefined): Reply {
  return given(201, riskRuleResource(rule), { location: `${RISK_RULES_PATH}/${rule.id}` });
}

/** 200 with the rule as it was, and when it ended. */
export function riskRuleDeletedReply(rule: RiskRuleDeleted): Reply {
  return given(200, riskRuleResource(rule), {});
}

/** 200 with the review as the decision left it. */
export function reviewReply(review: ReviewState): Reply {
  return given(200, reviewResource(review), {});
}

const NOT_FOUND: ReadonlySet<string> = new Set<Refusal>(['limit_not_found', 'risk_rule_not_found']);

/** Why a limit, a rule or a review stays as it was. */
export function policyRefusedReply(
  instance: string,
  reason: string,
  requestId: string,
  traceId: string | undefined,
): Reply {
  const code = NOT_FOUND.has(reason) ? 'not_found' : refusalCode(reason);
  const body = problemBody(code, { detail: refusalDetail(reason), extra: {} }, { instance, requestId, traceId });
  return {
    status: PROBLEMS[code].status,
    headers: { 'content-type': PROBLEM_CONTENT_TYPE },
    body: JSON.stringify(body),
  };
}

function given(status: number, resource: object, headers: Readonly<Record<string, string>>): Reply {
  return { status, headers: { 'content-type': JSON_CONTENT_TYPE, ...headers }, body: JSON.stringify(resource) };
}
