import type { MessageSpec } from '../messages.js';
import { LIMITED_METHODS, VELOCITY_COUNT_MAX, VELOCITY_MINUTES_MAX, type LimitedMethod } from './limit.js';
import { amount, assetCode, id, instant, nullable, object, reason, version } from './schema.js';

/** What becomes of a payment that a rule means: refused, shown to a human first, or passed by without asking further rules. */
export const RISK_VERDICTS = ['deny', 'review', 'allow'] as const;
export type RiskVerdict = (typeof RISK_VERDICTS)[number];

/** Whose payments a rule counts: those of the same customer, accounts or card token. */
export const VELOCITY_SUBJECTS = ['customer', 'source', 'destination', 'card'] as const;
export type VelocitySubject = (typeof VELOCITY_SUBJECTS)[number];

/** A tenant has at most so many in each mode: each of its payments is held against all of them. */
export const RISK_RULES_MAX = 100;
const RULE_LIST_MAX = 200;
export const RULE_PRIORITY_MAX = 100_000;

/** More than so many payments, this one included, were asked for within so many minutes. Refused ones count. */
export interface RuleVelocity {
  readonly per: VelocitySubject;
  readonly more_than: number;
  readonly minutes: number;
}

/** All that is named must be so; of a list, one is enough. What a payment lacks is never what a rule names. */
export interface RuleConditions {
  readonly asset?: readonly string[];
  /** Minor units, both included: of sums in the assets that the rule must name then. */
  readonly amount_gte?: string;
  readonly amount_lte?: string;
  readonly method?: readonly LimitedMethod[];
  readonly country?: readonly string[];
  readonly brand?: readonly string[];
  readonly customer?: readonly string[];
  readonly source?: readonly string[];
  readonly destination?: readonly string[];
  /** Hours of the UTC day, from 0 to 23. */
  readonly hour?: readonly number[];
  readonly velocity?: RuleVelocity;
}

export interface RiskRuleTerms {
  readonly id: string;
  /** Rules are asked from the smallest up, then by id; the first that means the payment decides. */
  readonly priority: number;
  readonly verdict: RiskVerdict;
  /** Why, as clients and reviewers read it. */
  readonly reason: string;
  readonly conditions: RuleConditions;
  readonly enabled: boolean;
}

/** `payflow.risk_rule.define.v1`: the next version of the rule, or its first. */
export interface RiskRuleDefine extends RiskRuleTerms {
  readonly if_version: number | null;
}

/** `payflow.risk_rule.defined.v1` */
export interface RiskRuleDefined extends RiskRuleTerms {
  readonly version: number;
  readonly defined_at: string;
}

/** `payflow.risk_rule.delete.v1` */
export interface RiskRuleDelete {
  readonly id: string;
  /** Refused when the rule has another version by then. */
  readonly if_version: number | null;
}

/** `payflow.risk_rule.deleted.v1`: the rule as it was, and the version that ended it. Defined again, it has the next. */
export interface RiskRuleDeleted extends RiskRuleDefined {
  readonly deleted_at: string;
}

/** `payflow.risk_rule.rejected.v1`: the rule stays as it was. */
export interface RiskRuleRejected {
  readonly id: string;
  readonly reason: string;
  readonly recorded_at: string;
}

const listOf = (items: object) => ({ type: 'array', minItems: 1, maxItems: RULE_LIST_MAX, uniqueItems: true, items });
const whole = (maximum: number) => ({ type: 'integer', minimum: 1, maximum });

/** What may be in a rule's conditions: in the command, and in the request that it is made of. */
export const RULE_CONDITIONS = {
  asset: listOf(assetCode),
  amount_gte: amount,
  amount_lte: amount,
  method: listOf({ enum: [...LIMITED_METHODS] }),
  country: listOf({ type: 'string', pattern: '^[A-Z]{2}$' }),
  brand: listOf({ type: 'string', pattern: '^[a-z][a-z0-9_]{1,31}$' }),
  customer: listOf(id('customer')),
  source: listOf(id('account')),
  destination: listOf(id('account')),
  hour: listOf({ type: 'integer', minimum: 0, maximum: 23 }),
  velocity: object({
    per: { enum: [...VELOCITY_SUBJECTS] },
    more_than: whole(VELOCITY_COUNT_MAX),
    minutes: whole(VELOCITY_MINUTES_MAX),
  }),
};

const terms = {
  id: id('riskRule'),
  priority: { type: 'integer', minimum: 0, maximum: RULE_PRIORITY_MAX },
  verdict: { enum: [...RISK_VERDICTS] },
  reason,
  conditions: object({}, RULE_CONDITIONS),
  enabled: { type: 'boolean' },
};
const key = (data: { readonly id: string }): string => data.id;

export const riskRuleSchemas = {
  'payflow.risk_rule.define.v1': {
    topic: 'payments.commands.v1',
    key,
    summary: 'Say which payments are refused, reviewed or let pass.',
    schema: object({ ...terms, if_version: nullable(version) }),
    refusable: ['id'],
  },
  'payflow.risk_rule.defined.v1': {
    topic: 'payments.events.v1',
    key,
    summary: 'Payments are held against this version of the rule from now on.',
    schema: object({ ...terms, version, defined_at: instant }),
  },
  'payflow.risk_rule.delete.v1': {
    topic: 'payments.commands.v1',
    key,
    summary: 'Hold no more payments against the rule.',
    schema: object({ id: id('riskRule'), if_version: nullable(version) }),
    refusable: ['id'],
  },
  'payflow.risk_rule.deleted.v1': {
    topic: 'payments.events.v1',
    key,
    summary: 'No payment is held against the rule from now on; the reviews that it asked for stay.',
    schema: object({ ...terms, version, defined_at: instant, deleted_at: instant }),
  },
  'payflow.risk_rule.rejected.v1': {
    topic: 'payments.events.v1',
    key,
    summary: 'The rule stays as it was, for the reason given.',
    schema: object({ id: id('riskRule'), reason, recorded_at: instant }),
  },
} as const satisfies Record<string, MessageSpec>;
