import type {
  LimitDefined,
  LimitDefine,
  LimitDeleted,
  ReviewState,
  RiskRuleDefine,
  RiskRuleDefined,
  RiskRuleDeleted,
} from '@payflow/contracts';

/** A limit of the HTTP API, in the version in force, or as it was when it was deleted. */
export function limitResource({ id, version, defined_at, ...terms }: LimitDefined | LimitDeleted) {
  return limit(id, terms, { version, defined_at, deleted_at: endOf(terms) });
}

/** What was asked for, until payments has given it a version. */
export function requestedLimit({ id, if_version: _, ...terms }: LimitDefine) {
  return limit(id, terms, REQUESTED);
}

type Terms<T> = Omit<T, 'id' | 'version' | 'defined_at'>;

interface Standing {
  readonly version: number;
  readonly defined_at: string | null;
  readonly deleted_at: string | null;
}

const REQUESTED: Standing = { version: 0, defined_at: null, deleted_at: null };

function endOf(terms: object): string | null {
  return 'deleted_at' in terms ? (terms.deleted_at as string) : null;
}

function limit(id: string, terms: Terms<LimitDefined>, { version, defined_at, deleted_at }: Standing) {
  const { kind, scope, customer, method, asset, amount, count, minutes, enabled } = terms;
  const named = { id, object: 'limit', version, kind, scope, customer, method, asset };
  return { ...named, amount, count, minutes, enabled, defined_at, deleted_at };
}

/** A risk rule of the HTTP API, in the version in force, or as it was when it was deleted. */
export function riskRuleResource({ id, version, defined_at, ...terms }: RiskRuleDefined | RiskRuleDeleted) {
  return riskRule(id, terms, { version, defined_at, deleted_at: endOf(terms) });
}

/** What was asked for, until payments has given it a version. */
export function requestedRiskRule({ id, if_version: _, ...terms }: RiskRuleDefine) {
  return riskRule(id, terms, REQUESTED);
}

function riskRule(id: string, terms: Terms<RiskRuleDefined>, { version, defined_at, deleted_at }: Standing) {
  const { priority, verdict, reason, conditions, enabled } = terms;
  return { id, object: 'risk_rule', version, priority, verdict, reason, conditions, enabled, defined_at, deleted_at };
}

/** A review of the HTTP API. */
export function reviewResource({ id, payment, ...state }: ReviewState) {
  return { id, object: 'review', payment, ...state };
}
