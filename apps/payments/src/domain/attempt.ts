import type { ProviderAction } from '@payflow/connectors';
import { derivedUuid, fromUuid, type AttemptStatus, type NewsSource } from '@payflow/contracts';

/**
 * What was asked of one provider, from the wish to the certainty. The ways that there are: `attempt-transitions.ts`, and their
 * picture, docs/generated/attempt-life.md.
 *
 * The first certain word decides. What comes later is kept as evidence and moves nothing; where it says something else,
 * somebody has to look.
 */
export type { AttemptStatus, NewsSource };

/**
 * The id of what is asked of a provider for an operation (UUID), the nth time, and so the key that the provider knows it under. Made
 * of the operation, so that one that is done again, because our database was set back and its messages come once more, is asked for
 * as the same thing, and gets its first answer. Clients choose the ids of operations, and a provider knows none of our organisations
 * and modes: so both are in it, or the one would get the other's answer.
 */
export function attemptIdOf(
  { tenant, livemode }: { readonly tenant: string; readonly livemode: boolean },
  operation: string,
  number: number,
): string {
  return fromUuid('attempt', derivedUuid(operation, `${tenant}/${livemode ? 'live' : 'test'}/attempt:${number}`));
}

export type NewsOutcome = 'approved' | 'declined' | 'requires_action' | 'not_sent' | 'unknown' | 'not_found';

/** A word on an attempt. */
export interface News {
  readonly source: NewsSource;
  readonly outcome: NewsOutcome;
}

/** What a word is worth: what it moves the attempt to, if anything, and whether somebody has to look. */
export interface Belief {
  /** Null where it moves nothing. */
  readonly status: AttemptStatus | null;
  readonly needsAttention: boolean;
}

const NOTHING: Belief = { status: null, needsAttention: false };
const CONTRADICTION: Belief = { status: null, needsAttention: true };
const to = (status: AttemptStatus): Belief => ({ status, needsAttention: false });

export function isFinal(status: AttemptStatus): status is 'approved' | 'declined' | 'not_sent' {
  return status === 'approved' || status === 'declined' || status === 'not_sent';
}

/** It may have reached its provider, and how it ends is not known: its provider can be asked. */
export function isOpen(status: AttemptStatus): boolean {
  return status === 'sending' || status === 'unknown' || status === 'requires_action';
}

/**
 * `mayBeSent`: whether it is still of use to send it, where the provider has never heard of it. `told`: what a webhook, which was
 * signed, has said of it: the opposite is doubted, and asked about again.
 */
export function believe(status: AttemptStatus, news: News, mayBeSent: boolean, told: Told = null): Belief {
  if (isFinal(status)) return contradicts(status, news) ? CONTRADICTION : NOTHING;
  if (news.source !== 'operator' && isAgainst(told, news.outcome)) return doubted(status);
  switch (news.outcome) {
    case 'approved':
    case 'declined':
      return to(news.outcome);
    case 'requires_action':
      return status === 'requires_action' ? NOTHING : to('requires_action');
    case 'not_sent':
      return afterNotSent(status, news.source);
    case 'unknown':
      return status === 'sending' && news.source === 'answer' ? to('unknown') : NOTHING;
    case 'not_found':
      return afterNotFound(status, mayBeSent);
    default:
      return news.outcome satisfies never;
  }
}

/** What a webhook said; null where none came. */
export type Told = 'approved' | 'declined' | null;

export function isAgainst(told: Told, outcome: NewsOutcome): boolean {
  return told === 'approved'
    ? outcome === 'declined' || outcome === 'not_found' || outcome === 'not_sent'
    : told !== null && outcome === 'approved';
}

/** One word against another: it stays open, and is asked about until one of them is taken back. */
function doubted(status: AttemptStatus): Belief {
  if (status === 'unknown') return NOTHING;
  return status === 'requires_action' ? CONTRADICTION : to('unknown');
}

/** An inquiry that could not be sent says nothing about what it was to ask for. */
function afterNotSent(status: AttemptStatus, source: NewsSource): Belief {
  if (source === 'answer') return status === 'sending' || status === 'created' ? to('not_sent') : NOTHING;
  return NOTHING;
}

function afterNotFound(status: AttemptStatus, mayBeSent: boolean): Belief {
  switch (status) {
    case 'unknown':
      return to(mayBeSent ? 'created' : 'not_sent');
    // It told us what the customer has to do, and now it knows nothing of it.
    case 'requires_action':
      return CONTRADICTION;
    // The request may still be on its way.
    default:
      return NOTHING;
  }
}

function contradicts(status: 'approved' | 'declined' | 'not_sent', { source, outcome }: News): boolean {
  switch (outcome) {
    case 'approved':
      return status !== 'approved';
    case 'declined':
      return status === 'approved';
    case 'not_found':
      return status === 'approved';
    // The customer would be asked to act for something that was given up.
    case 'requires_action':
      return status === 'not_sent' && source !== 'operator';
    default:
      return false;
  }
}

/** When to ask how an unknown attempt ended: so long after it became unknown, the last pause again and again until the end. */
export interface InquirySchedule {
  /** Ascending, ms: 5 s, 30 s, 5 m, 1 h, 6 h. */
  readonly delays_ms: readonly number[];
  /** From then on nobody is asked but a human, ms. */
  readonly until_ms: number;
}

/** Rounding must not make an inquiry follow on itself. */
const PAUSE_MIN_MS = 100;

/** How long to wait before the next inquiry, ms, where it has been unknown for so long; undefined when a human has to say. */
export function nextInquiry_ms(unknown_ms: number, { delays_ms, until_ms }: InquirySchedule): number | undefined {
  if (unknown_ms >= until_ms) return undefined;
  const next =
    delays_ms.find((at) => at > unknown_ms + PAUSE_MIN_MS) ?? repeated(unknown_ms, delays_ms.at(-1) as number);
  return (next < until_ms ? next : until_ms) - unknown_ms;
}

function repeated(unknown_ms: number, every_ms: number): number {
  const rounds = (unknown_ms + PAUSE_MIN_MS - ((unknown_ms + PAUSE_MIN_MS) % every_ms)) / every_ms;
  return (rounds + 1) * every_ms;
}

const TAKES_MONEY: ReadonlySet<ProviderAction> = new Set(['authorize', 'sale', 'increment', 'capture']);
const BY_ROUTE: ReadonlySet<ProviderAction> = new Set(['authorize', 'sale']);

/** Whether no money may be taken any more by what is to be asked. What gives money back is never too late. */
export function isTooLate(action: ProviderAction, now_ms: number, takesUntil_ms: number): boolean {
  return TAKES_MONEY.has(action) && now_ms >= takesUntil_ms;
}

/** Whether any connector may be asked; all that follows on it goes to the one that did it. */
export function isRouted(action: ProviderAction): boolean {
  return BY_ROUTE.has(action);
}
