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
  type RiskRuleDelete,
  type RiskRuleDeleted,
} from '@payflow/contracts';
import { inOrder } from './rules.js';
import type { Counted, Ended, Kept, OwnedPolicy } from './policy.repository.js';

export type Defined<T> =
  | { readonly kind: 'defined'; readonly terms: T; readonly policy: OwnedPolicy }
  /** As it was asked for, it stands already. */
  | { readonly kind: 'unchanged'; readonly terms: T }
  | { readonly kind: 'refused'; readonly reason: Refusal };
/** What is there can always be ended: it never stands already. */
export type Deleted<T> = Exclude<Defined<T>, { readonly kind: 'unchanged' }>;

/**
 * The next version of a limit, and the policy with it. `now`: RFC 3339. `deleted`: as it was ended, if it was there before. What it
 * has counted counts on, but where that was of another asset, in other windows or for others.
 */
export function defineLimit(
  policy: OwnedPolicy,
  { if_version, ...terms }: LimitDefine,
  now: string,
  deleted?: Ended,
): Defined<LimitDefined> {
  const decision = next(policy.limits, { if_version, ...terms }, now, deleted);
  if (decision.kind !== 'defined') return decision;
  const known = policy.limits.find(({ id }) => id === terms.id);
  if (!known && policy.limits.length >= LIMITS_MAX) return { kind: 'refused', reason: 'too_many_limits' };
  const before = known ? { counted: known, countsFrom: known.counts_from } : deleted;
  const goesOn = before?.counted && countsAlike(before.counted, terms);
  const counts_from = goesOn ? before.countsFrom : decision.terms.version;
  const limits = replaced(policy.limits, { ...decision.terms, counts_from }).toSorted(byId);
  return { ...decision, policy: { ...policy, limits } };
}

/** A month's sum that a day's limit has begun, or everybody's that one customer's has, would be a part of it. */
function countsAlike(one: Counted, other: Counted): boolean {
  return (
    one.kind === other.kind && one.scope === other.scope && one.customer === other.customer && one.asset === other.asset
  );
}

/** The version that ends a limit, and the policy without it. What is reserved under it stays with its payments until they end. */
export function deleteLimit(policy: OwnedPolicy, command: LimitDelete, now: string): Deleted<LimitDeleted> {
  const decision = ended(policy.limits, command, now, 'limit_not_found');
  if (decision.kind !== 'defined') return decision;
  return { ...decision, policy: { ...policy, limits: without(policy.limits, command.id) } };
}

/**
 * The next version of a rule, and the policy with it, its rules in the order they are asked in. `now`, `deleted`: as of a limit. One
 * that was deleted counts anew, and so does one that counts by something else than before.
 */
export function defineRule(
  policy: OwnedPolicy,
  { if_version, ...terms }: RiskRuleDefine,
  now: string,
  deleted?: Ended,
): Defined<RiskRuleDefined> {
  const decision = next(policy.rules, { if_version, ...terms }, now, deleted);
  if (decision.kind !== 'defined') return decision;
  const known = policy.rules.find(({ id }) => id === terms.id);
  if (!known && policy.rules.length >= RISK_RULES_MAX) return { kind: 'refused', reason: 'too_many_risk_rules' };
  const { per } = decision.terms.conditions.velocity ?? {};
  const goesOn = known !== undefined && known.conditions.velocity?.per === per;
  const rule = { ...decision.terms, counts_from: goesOn ? known.counts_from : decision.terms.version };
  return { ...decision, policy: { ...policy, rules: inOrder(replaced(policy.rules, rule)) } };
}

/** The version that ends a rule, and the policy without it. The reviews that it asked for stay. */
export function deleteRule(policy: OwnedPolicy, command: RiskRuleDelete, now: string): Deleted<RiskRuleDeleted> {
  const decision = ended(policy.rules, command, now, 'risk_rule_not_found');
  if (decision.kind !== 'defined') return decision;
  return { ...decision, policy: { ...policy, rules: without(policy.rules, command.id) } };
}

interface Versioned {
  readonly id: string;
  readonly version: number;
  readonly defined_at: string;
}

/** From where on it counts is ours alone. */
function told<T extends Versioned>({ counts_from: _, ...terms }: Kept<T>): T {
  return terms as unknown as T;
}

type Next<T> = { kind: 'defined'; terms: T } | { kind: 'unchanged'; terms: T } | { kind: 'refused'; reason: Refusal };

function next<T extends Versioned>(
  all: readonly Kept<T>[],
  { if_version, ...terms }: Omit<T, 'version' | 'defined_at'> & { readonly if_version: number | null },
  now: string,
  deleted: Ended | undefined,
): Next<T> {
  const kept = all.find(({ id }) => id === terms['id' as keyof typeof terms]);
  const known = kept && told<T>(kept);
  const seen = known?.version ?? 0;
  if (if_version !== null && if_version !== seen) return { kind: 'refused', reason: 'version_differs' };
  const made = { ...terms, version: (known?.version ?? deleted?.version ?? 0) + 1, defined_at: now } as unknown as T;
  if (known && contentOf(known) === contentOf(made)) return { kind: 'unchanged', terms: known };
  return { kind: 'defined', terms: made };
}

function ended<T extends Versioned>(
  all: readonly Kept<T>[],
  { id, if_version }: { readonly id: string; readonly if_version: number | null },
  now: string,
  unknown: Refusal,
): Exclude<Next<T & { readonly deleted_at: string }>, { kind: 'unchanged' }> {
  const known = all.find((one) => one.id === id);
  if (!known) return { kind: 'refused', reason: unknown };
  if (if_version !== null && if_version !== known.version) return { kind: 'refused', reason: 'version_differs' };
  return { kind: 'defined', terms: { ...told<T>(known), version: known.version + 1, deleted_at: now } };
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

function replaced<T extends Versioned>(all: readonly T[], one: T): T[] {
  return [...without(all, one.id), one];
}

function without<T extends Versioned>(all: readonly T[], id: string): T[] {
  return all.filter((one) => one.id !== id);
}

function byId(a: Versioned, b: Versioned): number {
  return a.id < b.id ? -1 : 1;
}
