import {
  LIMITS_MAX,
  RISK_RULES_MAX,
  type LimitDefine,
  type LimitDefined,
  type LimitDelete,
  type LimitDeleted,
  type Refusal,
  type RiskRuleDefine,
  type RiskRuleDefined,
} from '@payflow/contracts';
import { inOrder } from './rules.js';
import type { OwnedPolicy } from './policy.repository.js';

export type Defined<T> =
  | { readonly kind: 'defined'; readonly terms: T; readonly policy: OwnedPolicy }
  /** As it was asked for, it stands already. */
  | { readonly kind: 'unchanged'; readonly terms: T }
  | { readonly kind: 'refused'; readonly reason: Refusal };

/** The next version of a limit, and the policy with it. `now`: RFC 3339. `deleted`: the version that ended it, if it had one before. */
export function defineLimit(
  policy: OwnedPolicy,
  { if_version, ...terms }: LimitDefine,
  now: string,
  deleted = 0,
): Defined<LimitDefined> {
  const decision = next(policy.limits, { if_version, ...terms }, now, deleted);
  if (decision.kind !== 'defined') return decision;
  if (!isKnown(policy.limits, terms.id) && policy.limits.length >= LIMITS_MAX)
    return { kind: 'refused', reason: 'too_many_limits' };
  return { ...decision, policy: { ...policy, limits: replaced(policy.limits, decision.terms).toSorted(byId) } };
}

/** The version that ends a limit, and the policy without it. What is reserved under it stays with its payments until they end. */
export function deleteLimit(
  policy: OwnedPolicy,
  { id, if_version }: LimitDelete,
  now: string,
): Exclude<Defined<LimitDeleted>, { kind: 'unchanged' }> {
  const known = policy.limits.find((limit) => limit.id === id);
  if (!known) return { kind: 'refused', reason: 'limit_not_found' };
  if (if_version !== null && if_version !== known.version) return { kind: 'refused', reason: 'version_differs' };
  const terms = { ...known, version: known.version + 1, deleted_at: now };
  return { kind: 'defined', terms, policy: { ...policy, limits: policy.limits.filter((limit) => limit !== known) } };
}

/** The next version of a rule, and the policy with it, its rules in the order they are asked in. */
export function defineRule(
  policy: OwnedPolicy,
  { if_version, ...terms }: RiskRuleDefine,
  now: string,
): Defined<RiskRuleDefined> {
  const decision = next(policy.rules, { if_version, ...terms }, now);
  if (decision.kind !== 'defined') return decision;
  if (!isKnown(policy.rules, terms.id) && policy.rules.length >= RISK_RULES_MAX)
    return { kind: 'refused', reason: 'too_many_risk_rules' };
  return { ...decision, policy: { ...policy, rules: inOrder(replaced(policy.rules, decision.terms)) } };
}

interface Versioned {
  readonly id: string;
  readonly version: number;
  readonly defined_at: string;
}

type Next<T> = { kind: 'defined'; terms: T } | { kind: 'unchanged'; terms: T } | { kind: 'refused'; reason: Refusal };

function next<T extends Versioned>(
  all: readonly T[],
  { if_version, ...terms }: Omit<T, 'version' | 'defined_at'> & { readonly if_version: number | null },
  now: string,
  deleted = 0,
): Next<T> {
  const known = all.find(({ id }) => id === terms['id' as keyof typeof terms]);
  const seen = known?.version ?? 0;
  if (if_version !== null && if_version !== seen) return { kind: 'refused', reason: 'version_differs' };
  const made = { ...terms, version: (known?.version ?? deleted) + 1, defined_at: now } as unknown as T;
  if (known && contentOf(known) === contentOf(made)) return { kind: 'unchanged', terms: known };
  return { kind: 'defined', terms: made };
}

/** What was asked for, whatever the order of its fields. */
function contentOf(terms: Versioned): string {
  const content: Record<string, unknown> = { ...terms, version: 0, defined_at: '' };
  return JSON.stringify(content, [...keysIn(content)].sort());
}

function* keysIn(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield key;
    yield* keysIn(inner);
  }
}

function isKnown(all: readonly Versioned[], id: string): boolean {
  return all.some((one) => one.id === id);
}

function replaced<T extends Versioned>(all: readonly T[], one: T): T[] {
  return [...all.filter(({ id }) => id !== one.id), one];
}

function byId(a: Versioned, b: Versioned): number {
  return a.id < b.id ? -1 : 1;
}
