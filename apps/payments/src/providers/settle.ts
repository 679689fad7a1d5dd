import type { AnyOutgoing } from '@payflow/messaging';
import {
  attemptIdOf,
  believe,
  isFinal,
  isRouted,
  isTooLate,
  nextInquiry_ms,
  type AttemptStatus,
  type Belief,
  type InquirySchedule,
} from '../domain/attempt.js';
import { sendingOf, WORKER, type Attempt } from './attempt.js';
import type { Note } from './note.js';
import { askingOf, inquiryOf } from './provider-jobs.js';
import type { Word } from './word.js';

/** What a word is heard with. */
export interface Hearing {
  readonly schedule: InquirySchedule;
  /** Another connector can be asked for the same wish. */
  readonly hasOthers: boolean;
  /** For how long a connector's provider knows a key, ms; null: for good. */
  readonly keysKept_ms: (connector: string | null) => number | null;
  /** Of what a provider was asked, or asked about: the sending that its word is on ({@link sendingOf}). */
  readonly sending?: bigint;
  /** Who said it, where it was a human. */
  readonly actor?: string;
}

/**
 * Whether a word lets another connector be tried, if there is one: not for a payment that was called off meanwhile. Of what was asked
 * about without having been sent, because it was over, the others are asked in turn: any may have been its provider.
 */
export function callsForOthers(attempt: Attempt, word: Pick<Word, 'outcome' | 'isOthersToTry'>): boolean {
  const { action, isWanted, isGivenUp, sentAt } = attempt;
  if (!isRouted(action)) return false;
  const isLookedInto = sentAt === null && (isWanted || isGivenUp);
  if (word.outcome === 'declined') return word.isOthersToTry && (isWanted || isLookedInto);
  return word.outcome === 'not_found' ? isLookedInto : word.outcome === 'not_sent' && isWanted;
}

/** Why it is of no use to send it any more; undefined where it is. */
export function overBy(attempt: Attempt): 'payment_expired' | 'payment_canceled' | undefined {
  const { action, now, takesUntil, isWanted } = attempt;
  if (isTooLate(action, now.getTime(), takesUntil.getTime())) return 'payment_expired';
  return isRouted(action) && !isWanted ? 'payment_canceled' : undefined;
}

/**
 * Keeps a word as evidence, believes it or not, and says what follows: the machine is told, another is asked, or it is asked again
 * later.
 */
export function settle(attempt: Attempt, heard: Word, hearing: Hearing): Note<Attempt> {
  const connector = attempt.connector ?? 'none';
  // What did not leave by one hand may have left by the next: of that it says nothing, and nothing of it is moved.
  if (heard.outcome === 'not_sent' && heard.source === 'answer' && isOfEarlier(attempt, hearing))
    return { result: attempt, evidence: { ...heard, connector, believed: false } };
  const isHumans = isRefusedForLong(attempt, heard, hearing.schedule);
  const word = isHumans ? { ...heard, outcome: 'unknown' as const } : asFarAsKnown(attempt, heard, hearing);
  const over = overBy(attempt);
  const belief = believe(attempt.status, word, attempt.takenBy === null && over === undefined, attempt.told);
  // Nobody has said why: it was never done, and is not sent again because it is over.
  const code = belief.status === 'not_sent' ? (word.code ?? over ?? 'payment_expired') : word.code;
  const next = isHumans ? 'attention' : later(attempt, word, belief, hearing.schedule);
  const noted = {
    result: attempt,
    evidence: { ...word, connector, believed: belief.status !== null },
    move: {
      status: belief.status ?? attempt.status,
      reason: `${heard.source}_${heard.outcome}`,
      ...(hearing.actor ? { actor: hearing.actor } : {}),
      ...(belief.status === null ? {} : { reference: word.reference, code, url: word.url }),
      inquiries: word.source === 'inquiry' ? 1 : 0,
      needsAttention:
        isInVain(attempt, word, belief) ||
        (!isOver(attempt, word, belief) && (attempt.needsAttention || belief.needsAttention || next === 'attention')),
    },
    jobs: [
      ...(typeof next === 'number' ? [inquiryOf(attempt, next)] : []),
      ...(belief.status === 'created' ? [askingOf(attempt)] : []),
    ],
  };
  if (belief.status === null || !isToTell(belief.status)) return noted;
  if (hearing.hasOthers && callsForOthers(attempt, word)) {
    const number = attempt.number + 1;
    const other = { ...attempt, id: attemptIdOf(attempt, attempt.operation, number), number, connector: null };
    return { ...noted, other, jobs: [...noted.jobs, askingOf(other)] };
  }
  return {
    ...noted,
    told: [answerOf(attempt, lastWord(attempt, { ...word, code, outcome: belief.status }), hearing.actor)],
  };
}

/**
 * It was sent before, and the provider said that it had not heard of it. If that was too early, another provider would take the
 * money a second time: that this one could not be reached now does not say that it never was. And a customer acts on what they
 * pay, not on what follows: whatever its provider waits for then, it has not said how it ends.
 */
function asFarAsKnown(attempt: Attempt, word: Word, hearing: Hearing): Word {
  if (word.outcome === 'requires_action' && !isRouted(attempt.action))
    return { ...word, outcome: 'unknown', code: 'answer_inconclusive', url: null };
  const wasSentBefore = word.source === 'answer' && attempt.unknownAt !== null;
  const isBehind = isForgotten(attempt, hearing) || isOfEarlier(attempt, hearing);
  const isDoubted = (wasSentBefore && word.outcome === 'not_sent') || (word.outcome === 'not_found' && isBehind);
  return isDoubted ? { ...word, outcome: 'unknown' } : word;
}

/** It has been put back, taken, or sent since: that nothing was received by then is no word on it now. */
function isOfEarlier(attempt: Attempt, { sending }: Hearing): boolean {
  return sending !== undefined && sendingOf(attempt) !== sending;
}

/** Its provider knows nothing of what was asked so long ago: sent again under the same key, it would be done again. */
function isForgotten({ connector, sentAt, now }: Attempt, { keysKept_ms }: Hearing): boolean {
  const kept_ms = keysKept_ms(connector);
  return kept_ms !== null && sentAt !== null && now.getTime() - sentAt.getTime() >= kept_ms;
}

/**
 * The end of an authorization that its provider refuses, or cannot be asked for, is asked for again and again, each time by another
 * attempt. When that has gone on for as long as anybody is asked how something ended, the next answer will be like the last.
 */
function isRefusedForLong(attempt: Attempt, { source, outcome }: Word, schedule: InquirySchedule): boolean {
  const isRefused = outcome === 'declined' || outcome === 'not_sent';
  return isRefused && source !== 'operator' && isAskedForLong(attempt, schedule);
}

/** It is an end that has been asked for in vain for as long as anybody is asked, of what has been over for as long. */
export function isAskedForLong({ now, takesUntil, voidedSince }: Attempt, { until_ms }: InquirySchedule): boolean {
  const isLongAgo = (at: Date) => now.getTime() - at.getTime() >= until_ms;
  return voidedSince !== null && isLongAgo(takesUntil) && isLongAgo(voidedSince);
}

/** The money was taken for a payment that has ended without it: no word of the machine's puts that right. */
function isInVain({ action, isGivenUp }: Attempt, { source }: Word, { status }: Belief): boolean {
  return action === 'sale' && isGivenUp && status === 'approved' && source !== 'operator';
}

/** A human has seen to it; or the provider has said after all what only a human could have found out: nobody contradicts anybody. */
function isOver(attempt: Attempt, word: Word, belief: Belief): boolean {
  return word.source === 'operator' || (attempt.status === 'unknown' && belief.status !== null);
}

/** When to ask again, ms; `attention` when a human has to. */
function later(
  attempt: Attempt,
  word: Word,
  belief: Belief,
  schedule: InquirySchedule,
): number | 'attention' | undefined {
  const status = belief.status ?? attempt.status;
  if (attempt.needsAttention || word.source === 'operator') return undefined;
  if (status === 'requires_action') {
    if (hasActed(attempt, word)) return 0;
    return isUnanswered(attempt, word) ? questionAgain(attempt, schedule) : undefined;
  }
  if (status !== 'unknown') return undefined;
  // A webhook knew better before: nothing is gained by waiting.
  if (attempt.unknownAt === null && attempt.told !== null) return 0;
  const unknown_ms = attempt.unknownAt ? attempt.now.getTime() - attempt.unknownAt.getTime() : 0;
  return nextInquiry_ms(unknown_ms, schedule) ?? 'attention';
}

/**
 * Its provider gave the answer that it gave first, to what is done again because our database was set back: the customer has acted
 * since, which a webhook told before this was asked. They will not act once more.
 */
function hasActed({ told }: Attempt, { source, outcome }: Word): boolean {
  return source === 'answer' && outcome === 'requires_action' && told !== null;
}

/**
 * It waits for its customer, and somebody had a reason to ask: a webhook, the customer themselves, a payment that was called off. No
 * answer came, or one that is behind the webhook; and nobody may ever have a reason again.
 */
function isUnanswered({ told }: Attempt, { source, outcome }: Word): boolean {
  return source === 'inquiry' && (outcome === 'unknown' || (outcome === 'requires_action' && told !== null));
}

/** It may have waited for its customer for hours: what counts is how often it was asked about. */
function questionAgain(
  { createdAt, now, inquiries }: Attempt,
  { delays_ms, until_ms }: InquirySchedule,
): number | 'attention' {
  if (now.getTime() - createdAt.getTime() >= until_ms) return 'attention';
  return delays_ms[Math.min(inquiries, delays_ms.length - 1)] as number;
}

export type Told = 'approved' | 'declined' | 'requires_action' | 'not_sent';

export function isToTell(status: AttemptStatus): status is Told {
  return isFinal(status) || status === 'requires_action';
}

/** Where the last could not be asked, and one before it declined, that is what the customer has to know. */
export function lastWord<W extends { outcome: Told; code: string | null }>(attempt: Attempt, word: W): W {
  return word.outcome === 'not_sent' && attempt.declined !== null
    ? { ...word, outcome: 'declined', code: attempt.declined }
    : word;
}

/**
 * Since when the money may have been set aside. Its provider counts from when it did that, whenever we hear of it, hours or days later:
 * so from when it was sent, if that was not answered; and from now where its customer had to act, who has just done so.
 */
function sinceOf({ status, said, sentAt, now }: Attempt, source: Word['source'] | undefined): string {
  const isActedOn = status === 'requires_action' || said.url !== null;
  return (source === 'answer' || isActedOn || sentAt === null ? now : sentAt).toISOString();
}

/** `payflow.payment.answer.v1`: names the attempt that the machine knows. */
export function answerOf(
  attempt: Attempt,
  {
    outcome,
    code,
    reference,
    url,
    source,
  }: { outcome: Told } & Pick<Word, 'code' | 'reference' | 'url'> & Partial<Pick<Word, 'source'>>,
  actor = WORKER,
): AnyOutgoing {
  const { tenant, livemode, payment, correlation, traceparent } = attempt;
  return {
    // Evidence is of no concern to the payment: its dispute hears of it.
    type: attempt.action === 'submit_evidence' ? 'payflow.dispute.answer.v1' : 'payflow.payment.answer.v1',
    subject: payment,
    data: {
      id: payment,
      attempt: attempt.first,
      outcome,
      code: outcome === 'declined' || outcome === 'not_sent' ? code : null,
      connector: attempt.connector,
      provider_reference: reference,
      url: outcome === 'requires_action' ? url : null,
      ...(attempt.action === 'authorize' && outcome === 'approved' && { authorized_at: sinceOf(attempt, source) }),
    },
    origin: {
      tenant,
      livemode,
      actor,
      ...(correlation ? { correlationId: correlation } : {}),
      ...(traceparent ? { traceparent } : {}),
    },
  };
}
