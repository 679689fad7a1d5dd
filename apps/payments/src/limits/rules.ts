import type { RiskRuleTerms, RuleConditions, RuleVelocity } from '@payflow/contracts';
import type { PaymentFacts } from './facts.js';
import { countedFrom, type Counting } from './windows.js';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** What the rules say of a payment: the first that means it decides, and where none does it passes. */
export type Judgement =
  | { readonly verdict: 'allow'; readonly rule: string | null }
  | { readonly verdict: 'deny' | 'review'; readonly rule: string; readonly reason: string };

/** How many payments of the subject were asked for in the fullest span that this one is in, without this one. */
export type CountNear = (rule: string, subject: string, span_ms: number) => number;

/** Holds a payment against the rules, which come in the order they are asked in. */
export function judge(facts: PaymentFacts, rules: readonly Counting<RiskRuleTerms>[], countNear: CountNear): Judgement {
  const decisive = rules.find((rule) => rule.enabled && means(rule, facts, countNear));
  if (!decisive) return { verdict: 'allow', rule: null };
  const { id: rule, verdict, reason } = decisive;
  return verdict === 'allow' ? { verdict, rule } : { verdict, rule, reason };
}

/** From the smallest priority up; of two that are alike, the smaller id first. */
export function inOrder<R extends Pick<RiskRuleTerms, 'priority' | 'id'>>(rules: readonly R[]): R[] {
  return rules.toSorted((a, b) => a.priority - b.priority || (a.id < b.id ? -1 : 1));
}

function means(rule: Counting<RiskRuleTerms>, facts: PaymentFacts, countNear: CountNear): boolean {
  const { id, conditions } = rule;
  const { velocity } = conditions;
  if (!areMet(conditions, facts)) return false;
  if (!velocity) return true;
  const subject = velocitySubject(rule, facts);
  if (subject === undefined) return false;
  return countNear(id, subject, velocity.minutes * MINUTE_MS) + 1 > velocity.more_than;
}

/** All but the velocity, which has to be counted first. */
function areMet(conditions: RuleConditions, facts: PaymentFacts): boolean {
  const { method } = facts;
  const card = method.type === 'card' ? method : undefined;
  const { amount_gte, amount_lte } = conditions;
  return (
    isAmong(conditions.asset, facts.asset) &&
    (amount_gte === undefined || facts.amount >= BigInt(amount_gte)) &&
    (amount_lte === undefined || facts.amount <= BigInt(amount_lte)) &&
    isAmong(conditions.method, method.type) &&
    isAmong(conditions.country, card?.country) &&
    isAmong(conditions.brand, card?.brand) &&
    isAmong(conditions.customer, facts.customer) &&
    isAmong(conditions.source, facts.source) &&
    isAmong(conditions.destination, facts.destination) &&
    isAmong(conditions.hour, Math.floor(facts.at_ms / HOUR_MS) % 24)
  );
}

function isAmong<V>(list: readonly V[] | undefined, value: V | null | undefined): boolean {
  return list === undefined || list.includes(value as V);
}

/** Whose payments the rule counts, and since which of its versions; undefined where it counts none, or this one names nobody. */
export function velocitySubject(
  { conditions: { velocity }, counts_from }: Pick<Counting<RiskRuleTerms>, 'conditions' | 'counts_from'>,
  facts: PaymentFacts,
): string | undefined {
  const subject = velocity && counted(velocity, facts);
  return subject === undefined ? undefined : countedFrom(subject, counts_from);
}

function counted({ per }: RuleVelocity, facts: PaymentFacts): string | undefined {
  switch (per) {
    case 'customer':
      return facts.customer ?? undefined;
    case 'source':
      return facts.source;
    case 'destination':
      return facts.destination;
    case 'card':
      return facts.method.type === 'card' ? facts.method.token : undefined;
    default:
      return per satisfies never;
  }
}
