import type {
  LimitDefine,
  LimitDefined,
  LimitDelete,
  ReviewDecide,
  ReviewState,
  RiskRuleDefine,
  RiskRuleDefined,
  RiskRuleDelete,
} from '@payflow/contracts';
import type { Verdict } from './house-books.js';

/** As much of the payments service's limits, rules and reviews as the gateway can tell apart: versions, and a refusal of each kind. */
export class HousePolicies {
  /** Reviews that are open, by id. */
  readonly reviews = new Map<string, ReviewState>();
  readonly #versions = new Map<string, number>();
  readonly #limits = new Map<string, LimitDefined>();
  readonly #rules = new Map<string, RiskRuleDefined>();

  limit({ if_version, ...terms }: LimitDefine): Verdict {
    const version = this.#next(terms.id, if_version);
    if (version === undefined) return { type: 'payflow.limit.rejected.v1', data: refused(terms.id) };
    const data = { ...terms, version, defined_at: new Date().toISOString() };
    this.#limits.set(terms.id, data);
    return { type: 'payflow.limit.defined.v1', data };
  }

  deleteLimit({ id, if_version }: LimitDelete): Verdict {
    const limit = this.#limits.get(id);
    if (!limit) return { type: 'payflow.limit.rejected.v1', data: { ...refused(id), reason: 'limit_not_found' } };
    const version = this.#next(id, if_version);
    if (version === undefined) return { type: 'payflow.limit.rejected.v1', data: refused(id) };
    this.#limits.delete(id);
    return { type: 'payflow.limit.deleted.v1', data: { ...limit, version, deleted_at: new Date().toISOString() } };
  }

  rule({ if_version, ...terms }: RiskRuleDefine): Verdict {
    const version = this.#next(terms.id, if_version);
    if (version === undefined) return { type: 'payflow.risk_rule.rejected.v1', data: refused(terms.id) };
    const data = { ...terms, version, defined_at: new Date().toISOString() };
    this.#rules.set(terms.id, data);
    return { type: 'payflow.risk_rule.defined.v1', data };
  }

  deleteRule({ id, if_version }: RiskRuleDelete): Verdict {
    const rule = this.#rules.get(id);
    if (!rule)
      return { type: 'payflow.risk_rule.rejected.v1', data: { ...refused(id), reason: 'risk_rule_not_found' } };
    const version = this.#next(id, if_version);
    if (version === undefined) return { type: 'payflow.risk_rule.rejected.v1', data: refused(id) };
    this.#rules.delete(id);
    return { type: 'payflow.risk_rule.deleted.v1', data: { ...rule, version, deleted_at: new Date().toISOString() } };
  }

  decide({ id, payment, decision, reason, if_version: seen }: ReviewDecide): Verdict {
    const review = this.reviews.get(id);
    // What is open is at its first version, and what was decided at its second.
    const [version, open] = review ? [1, true] : [2, false];
    if (!review || (seen !== undefined && seen !== version)) {
      const refused = seen === undefined || (seen === version && !open) ? 'review_not_open' : 'version_differs';
      const data = { id, payment, reason: refused, recorded_at: new Date().toISOString() };
      return { type: 'payflow.review.rejected.v1', data };
    }
    this.reviews.delete(id);
    const status = decision === 'approve' ? 'approved' : 'denied';
    const decided = { decided_at: new Date().toISOString(), decided_by: 'house', decision_reason: reason };
    return { type: 'payflow.review.decided.v1', data: { ...review, ...decided, status, version: 2 } };
  }

  #next(id: string, expected: number | null): number | undefined {
    const version = this.#versions.get(id) ?? 0;
    if (expected !== null && expected !== version) return undefined;
    this.#versions.set(id, version + 1);
    return version + 1;
  }
}

function refused(id: string) {
  return { id, reason: 'version_differs', recorded_at: new Date().toISOString() };
}
