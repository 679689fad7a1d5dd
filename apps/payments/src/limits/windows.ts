import type { LimitTerms } from '@payflow/contracts';
import type { PaymentFacts } from './facts.js';

/** One row of what is counted: of a limit or a rule, for a subject, from an instant on. */
export interface Window {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly by: string;
  readonly subject: string;
  readonly start_ms: number;
}

export function keyOfWindow({ tenant, livemode, by, subject, start_ms }: Window): string {
  return `${tenant} ${livemode} ${by} ${subject} ${start_ms}`;
}

/** The subject of what all payments share, and of payments that name no customer: they share one, so that none escapes. */
const EVERYBODY = '*';
export const NOBODY = '-';
/** A velocity slides: it has no beginning, and its row is there to be locked. */
export const SLIDING_MS = 0;

/** True where the limit is about payments of this kind. */
export function concerns(limit: LimitTerms, facts: PaymentFacts): boolean {
  return (
    limit.enabled &&
    (limit.asset === null || limit.asset === facts.asset) &&
    (limit.method === null || limit.method === facts.method.type) &&
    (limit.scope !== 'customer' || limit.customer === facts.customer)
  );
}

/** A limit or a rule as it is asked: it counts from the version on that began to, the first where none is named. */
export type Counting<T> = T & { readonly counts_from?: number };

/** The place of what is counted from a version on: what was counted before stays in its own, and is nobody's any more. */
export function countedFrom(subject: string, version = 1): string {
  return version === 1 ? subject : `${subject}#${version}`;
}

/** Whose payments are counted together. */
export function subjectOf(
  { scope, counts_from }: Counting<Pick<LimitTerms, 'scope'>>,
  { customer }: Pick<PaymentFacts, 'customer'>,
): string {
  return countedFrom(whose(scope, customer), counts_from);
}

function whose(scope: LimitTerms['scope'], customer: string | null): string {
  switch (scope) {
    case 'all':
      return EVERYBODY;
    case 'customer':
    case 'each_customer':
      return customer ?? NOBODY;
    default:
      return scope satisfies never;
  }
}

/** Where the window begins that an instant lies in, milliseconds since the epoch: of a UTC day or month. */
export function windowOf(kind: 'per_day' | 'per_month', at_ms: number): number {
  const at = new Date(at_ms);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), kind === 'per_day' ? at.getUTCDate() : 1);
}
