import { METRICS, type InvariantName } from '@payflow/contracts';
import { gauge } from '@payflow/telemetry';
import type { Checked } from './check.js';

/** The last word on one invariant, as `/internal/invariants` gives it. */
export interface CheckResult {
  readonly invariant: InvariantName;
  readonly violations: number;
  readonly sample: readonly string[];
  /** When it was last checked to the end; null before that. */
  readonly checked_at: string | null;
  readonly duration_ms: number;
  /** When rows last offended, in the life of this process: a window that moved on must not make a finding disappear. */
  readonly violated_at: string | null;
  readonly violated_sample: readonly string[];
  /** Class of the error when the last attempt did not end; the figures are then those of the check before. */
  readonly error: string | null;
  /** Why some of it cannot be compared just now, and is not among the figures; left out where all of it was. */
  readonly not_comparable?: readonly string[];
}

/** A check, some of which may have been left out. */
export interface CheckedInPart extends Checked {
  readonly not_comparable?: readonly string[];
}

const violationsGauge = gauge(METRICS.invariantViolations, 'Offending rows at the last check.', ['invariant'] as const);
const checkedGauge = gauge(METRICS.invariantCheckedAt, 'When the invariant was last checked.', ['invariant'] as const);

/** Keeps the last result per invariant, and its gauges. */
export class CheckResults {
  private readonly results = new Map<InvariantName, CheckResult>();

  constructor(invariants: readonly InvariantName[]) {
    for (const invariant of invariants) this.results.set(invariant, unchecked(invariant));
  }

  checked(invariant: InvariantName, checked: CheckedInPart, now: Date): void {
    const { violations, sample, duration_ms, not_comparable = [] } = checked;
    const { violated_at, violated_sample } = this.results.get(invariant) ?? unchecked(invariant);
    const at = now.toISOString();
    const violated = violations > 0 ? { violated_at: at, violated_sample: sample } : {};
    this.results.set(invariant, {
      invariant,
      violations,
      sample,
      checked_at: at,
      duration_ms,
      error: null,
      violated_at,
      violated_sample,
      ...violated,
      ...(not_comparable.length > 0 ? { not_comparable } : {}),
    });
    violationsGauge.set({ invariant }, violations);
    checkedGauge.set({ invariant }, now.getTime() / 1_000);
  }

  failed(invariant: InvariantName, error: unknown): void {
    const before = this.results.get(invariant) ?? unchecked(invariant);
    this.results.set(invariant, { ...before, error: error instanceof Error ? error.name : 'error' });
  }

  list(): CheckResult[] {
    return [...this.results.values()];
  }
}

function unchecked(invariant: InvariantName): CheckResult {
  return {
    invariant,
    violations: 0,
    sample: [],
    checked_at: null,
    duration_ms: 0,
    violated_at: null,
    violated_sample: [],
    error: null,
  };
}
