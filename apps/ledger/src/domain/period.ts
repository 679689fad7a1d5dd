import type { PeriodClosed, PeriodClosing, Refusal } from '@payflow/contracts';
import { refuse, type Refused } from './transfer.js';

/**
 * A month that is closed, or about to be: `closing` until all transactions that may not have seen the mark have ended. Both
 * bar whatever would take effect in it.
 */
export interface Period {
  /** The month of UTC, `2026-10`: these compare as text. */
  readonly month: string;
  /** The event that tells of it. */
  readonly told:
    | { readonly type: 'payflow.period.closing.v1'; readonly data: PeriodClosing }
    | { readonly type: 'payflow.period.closed.v1'; readonly data: PeriodClosed };
}

/** A month to be marked, and the one that must be the latest until then. */
export interface Closing {
  readonly period: Period;
  readonly afterMonth: string | null;
}

/** What is known of an owner's periods where a month is to be closed. */
export interface StandingPeriods {
  /** The month itself, where it is closed or closing. */
  readonly standing: Period | undefined;
  /** The latest closed or closing month. */
  readonly latestMonth: string | undefined;
}

export type PeriodDecision =
  | { readonly kind: 'standing'; readonly period: Period }
  | { readonly kind: 'closing'; readonly closing: Closing }
  | Refused;

/**
 * Months close in order, each once. The first may be any: whatever lies before it is closed with it. `ifVersion` is that of the
 * month as it was seen; one that stands nowhere is at 0.
 */
export function closePeriod(
  { month, ifVersion }: { readonly month: string; readonly ifVersion: number | undefined },
  { standing, latestMonth }: StandingPeriods,
  now: string,
): PeriodDecision {
  if (ifVersion !== undefined && ifVersion !== (standing?.told.data.version ?? 0)) return refuse('version_differs');
  if (standing) return { kind: 'standing', period: standing };
  const ends_at = endOfMonth(month);
  if (ends_at > now) return refuse('period_not_over');
  if (latestMonth !== undefined && month < latestMonth) return refuse('period_closed');
  if (latestMonth !== undefined && month !== monthAfter(latestMonth)) return refuse('period_out_of_order');
  // From here nothing more takes effect in the month.
  const data = { id: month, ends_at, closing_at: now, version: 1 };
  const period: Period = { month, told: { type: 'payflow.period.closing.v1', data } };
  return { kind: 'closing', closing: { period, afterMonth: latestMonth ?? null } };
}

/** Why nothing can take effect at the instant, where that is so; null is the present, whose month is never over. */
export function refusalOfEffect(effectiveAt: string | null, latestMonth: string | undefined): Refusal | undefined {
  const isBarred = effectiveAt !== null && latestMonth !== undefined && effectiveAt < endOfMonth(latestMonth);
  return isBarred ? 'period_closed' : undefined;
}

/** The first instant after a month (RFC 3339, UTC, ms). */
export function endOfMonth(month: string): string {
  return `${monthAfter(month)}-01T00:00:00.000Z`;
}

function monthAfter(month: string): string {
  const [year, nth] = month.split('-').map(Number) as [number, number];
  const [nextYear, next] = nth === 12 ? [year + 1, 1] : [year, nth + 1];
  return `${nextYear}-${String(next).padStart(2, '0')}`;
}
