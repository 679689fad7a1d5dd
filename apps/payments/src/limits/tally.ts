import { LIMIT_KINDS, type LimitTerms, type Refusal, type RiskRuleTerms } from '@payflow/contracts';
import type { PaymentFacts } from './facts.js';
import { judge, velocitySubject } from './rules.js';
import { countInFullestSpan, type Looked } from './velocity.js';
import { concerns, keyOfWindow, SLIDING_MS, subjectOf, windowOf, type Counting, type Window } from './windows.js';

const MINUTE_MS = 60_000;

/** What the limits and rules make of a payment. */
export type Admission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'review'; readonly rule: string; readonly reason: string }
  | { readonly kind: 'denied'; readonly code: Refusal & ('limit_exceeded' | 'risk_denied'); readonly reason: string };

/** What a tenant holds its payments against: the rules in the order they are asked in. */
export interface Policy {
  readonly limits: readonly Counting<LimitTerms>[];
  readonly rules: readonly Counting<RiskRuleTerms>[];
}

/** What a payment takes of a window. A rule's is only counted. */
export interface Reservation extends Window {
  readonly payment: string;
  readonly at_ms: number;
  readonly amount: bigint;
  /**
   * The sum that the payment was made with, less all that it took before the limit first saw it: of a limit that is younger than
   * the payment nothing, or less than that where something had been added by then.
   */
  readonly base: bigint;
  readonly status: 'reserved' | 'counted';
}

/** By how much the sum of a window grew, and the limit that it was held against. */
export interface Growth extends Window {
  readonly added: bigint;
  readonly allowed: bigint;
}

/** The windows that have to be locked and read before the payment can be decided on. */
export function windowsOf(facts: PaymentFacts, policy: Policy): (Window | Looked)[] {
  const { tenant, livemode } = facts;
  const own = { tenant, livemode };
  const sums = policy.limits
    .filter((limit) => concerns(limit, facts))
    .flatMap((limit): (Window | Looked)[] => {
      const window = { ...own, by: limit.id, subject: subjectOf(limit, facts) };
      if (limit.kind === 'per_payment') return [];
      if (limit.kind !== 'velocity') return [{ ...window, start_ms: windowOf(limit.kind, facts.at_ms) }];
      return [{ ...window, start_ms: SLIDING_MS, ...looked(facts, limit.minutes as number, limit.count as number) }];
    });
  const counts = policy.rules.flatMap((rule): Looked[] => {
    const { id: by, enabled } = rule;
    const { velocity } = rule.conditions;
    const subject = enabled ? velocitySubject(rule, facts) : undefined;
    if (!velocity || subject === undefined) return [];
    return [{ ...own, by, subject, start_ms: SLIDING_MS, ...looked(facts, velocity.minutes, velocity.more_than) }];
  });
  return [...sums, ...counts];
}

/** Of several that a payment would pass, the one that is told. */
function byKind(a: LimitTerms, b: LimitTerms): number {
  return LIMIT_KINDS.indexOf(a.kind) - LIMIT_KINDS.indexOf(b.kind);
}

function looked({ at_ms }: PaymentFacts, minutes: number, count_max: number) {
  return { at_ms, span_ms: minutes * MINUTE_MS, count_max };
}

/** What is known of the windows that a batch touches: it decides payment after payment, each on what those before it took. */
export class Tally {
  readonly reservations: Reservation[] = [];
  readonly #sums = new Map<string, bigint>();
  readonly #times = new Map<string, number[]>();
  readonly #growth = new Map<string, { window: Window; added: bigint; allowed: bigint }>();

  /** Sums by {@link keyOfWindow}; of the velocities, when the payments were that they count. */
  constructor(sums: ReadonlyMap<string, bigint>, times: ReadonlyMap<string, readonly number[]>) {
    for (const [key, sum] of sums) this.#sums.set(key, sum);
    for (const [key, at] of times) this.#times.set(key, [...at]);
  }

  /** By how much each sum grew. */
  get growth(): Growth[] {
    return [...this.#growth.values()].map(({ window, added, allowed }) => ({ ...window, added, allowed }));
  }

  /** Decides on a payment and takes what it needs. Denied by a limit or a rule, it takes nothing of any limit. */
  admit(facts: PaymentFacts, policy: Policy): Admission {
    const judgement = judge(facts, policy.rules, (by, subject, span_ms) =>
      this.#countNear(this.#window(facts, by, subject, SLIDING_MS), facts.at_ms, span_ms),
    );
    this.#countForRules(facts, policy.rules);
    if (judgement.verdict === 'deny') return { kind: 'denied', code: 'risk_denied', reason: judgement.reason };
    const limits = policy.limits.filter((limit) => concerns(limit, facts));
    const exceeded = limits.filter((limit) => this.#isPast(limit, facts)).toSorted(byKind)[0];
    if (exceeded) return { kind: 'denied', code: 'limit_exceeded', reason: exceeded.kind };
    // From here the payment has its place in every limit.
    for (const limit of limits) this.#reserve(limit, facts);
    if (judgement.verdict === 'allow') return { kind: 'admitted' };
    return { kind: 'review', rule: judgement.rule, reason: judgement.reason };
  }

  #isPast(limit: Counting<LimitTerms>, facts: PaymentFacts): boolean {
    const allowed = BigInt(limit.amount ?? 0);
    switch (limit.kind) {
      case 'per_payment':
        return facts.amount > allowed;
      case 'per_day':
      case 'per_month':
        return (this.#sums.get(keyOfWindow(this.#windowOf(limit, facts))) ?? 0n) + facts.amount > allowed;
      case 'velocity': {
        const span_ms = (limit.minutes as number) * MINUTE_MS;
        return this.#countNear(this.#windowOf(limit, facts), facts.at_ms, span_ms) + 1 > (limit.count as number);
      }
      default:
        return limit.kind satisfies never;
    }
  }

  #reserve(limit: Counting<LimitTerms>, facts: PaymentFacts): void {
    if (limit.kind === 'per_payment') return;
    const window = this.#windowOf(limit, facts);
    const { payment, at_ms, amount, base = amount } = facts;
    this.reservations.push({ ...window, payment, at_ms, amount, base, status: 'reserved' });
    if (limit.kind === 'velocity') return this.#note(window, at_ms);
    const key = keyOfWindow(window);
    this.#sums.set(key, (this.#sums.get(key) ?? 0n) + amount);
    const added = (this.#growth.get(key)?.added ?? 0n) + amount;
    this.#growth.set(key, { window, added, allowed: BigInt(limit.amount as string) });
  }

  /** A rule counts what was asked for, whatever becomes of it. */
  #countForRules(facts: PaymentFacts, rules: readonly Counting<RiskRuleTerms>[]): void {
    const { payment, at_ms, amount } = facts;
    for (const rule of rules) {
      const subject = rule.enabled ? velocitySubject(rule, facts) : undefined;
      if (subject === undefined) continue;
      const window = this.#window(facts, rule.id, subject, SLIDING_MS);
      this.reservations.push({ ...window, payment, at_ms, amount, base: amount, status: 'counted' });
      this.#note(window, at_ms);
    }
  }

  #countNear(window: Window, at_ms: number, span_ms: number): number {
    return countInFullestSpan(this.#times.get(keyOfWindow(window)) ?? [], at_ms, span_ms);
  }

  #note(window: Window, at_ms: number): void {
    const key = keyOfWindow(window);
    const times = this.#times.get(key);
    if (times) times.push(at_ms);
    else this.#times.set(key, [at_ms]);
  }

  #windowOf(limit: Counting<LimitTerms>, facts: PaymentFacts): Window {
    const start_ms =
      limit.kind === 'per_day' || limit.kind === 'per_month' ? windowOf(limit.kind, facts.at_ms) : SLIDING_MS;
    return this.#window(facts, limit.id, subjectOf(limit, facts), start_ms);
  }

  #window({ tenant, livemode }: PaymentFacts, by: string, subject: string, start_ms: number): Window {
    return { tenant, livemode, by, subject, start_ms };
  }
}
