import { LIMITS, type Advice, type Limits } from './advice.js';
import type { DatabaseFacts } from './facts.js';
import { adviseOnIndexes } from './index-advice.js';
import { adviseOnTables } from './table-advice.js';
import { adviseOnWorkload } from './workload-advice.js';

/** What follows from the facts, gravest first. Nothing on a base that is well. */
export function advise(facts: DatabaseFacts, limits: Limits = LIMITS): Advice[] {
  const advices = [
    ...adviseOnTables(facts, limits),
    ...adviseOnWorkload(facts, limits),
    ...adviseOnIndexes(facts, limits),
  ];
  return advices.toSorted((one, other) => rank(one) - rank(other));
}

function rank({ kind }: Advice): number {
  return kind === 'wraparound' ? 0 : 1;
}

/** An index was tried out: what the planner asks for the statement without and with it. */
export interface Proof {
  readonly costBefore: number;
  readonly costAfter: number;
}

/** The share of its cost that a statement may keep for its index to be worth having. */
const COST_KEPT_MAX = 0.5;

/** The advice with what trying it out has shown, or nothing where the planner would not use the index, or not gain by it. */
export function proven(advice: Advice, proof: Proof | undefined): Advice | undefined {
  if (!proof) return advice;
  const { costBefore, costAfter } = proof;
  if (costAfter > costBefore * COST_KEPT_MAX) return undefined;
  const factor = Math.round(costBefore / Math.max(1, costAfter));
  return {
    ...advice,
    gain: `${advice.gain}; tried out, the planner's cost falls from ${Math.round(costBefore)} to ${Math.round(costAfter)} (${factor} times less)`,
  };
}
