/**
 * What an acquirer promised, and what became of it.
 *
 * action_required ──► authorized ──► captured
 *        └──► declined       └──► (voided: gives back what was not captured)
 */
export interface Authorization {
  readonly id: string;
  readonly merchantReference: string;
  readonly idempotencyKey: string;
  readonly token: string;
  readonly currency: string;
  readonly status: 'authorized' | 'captured' | 'declined' | 'action_required';
  readonly declineCode: string | null;
  readonly canRetryElsewhere: boolean;
  /** What was asked for at first, minor units. */
  readonly amount: bigint;
  /** Captures at once. */
  readonly isSale: boolean;
  readonly isVoided: boolean;
  /** After the final capture there is nothing left to capture, whatever the sums say. */
  readonly isClosed: boolean;
  readonly sums: Sums;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** What has moved, minor units; none of them ever falls. */
export interface Sums {
  readonly authorized: bigint;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly disputed: bigint;
  readonly disputeReversed: bigint;
}

export const NOTHING: Sums = { authorized: 0n, captured: 0n, refunded: 0n, disputed: 0n, disputeReversed: 0n };

/** Why the acquirer will not do what it was asked, each with what it tells the caller. */
export const REFUSALS = {
  already_captured: 'Nothing of the authorization is left.',
  already_voided: 'The authorization was voided.',
  authorization_expired: 'The authorization is over.',
  capture_exceeds_authorized: 'More than the authorized sum and 15 % cannot be captured.',
  currency_differs: 'The authorization is in another currency.',
  dispute_decided: 'The dispute was decided already.',
  dispute_exceeds_captured: 'No more can be disputed than was captured and not given back.',
  no_action_required: 'The customer has nothing to do.',
  not_authorized: 'Nothing is authorized.',
  refund_exceeds_captured: 'No more can be given back than was captured and not given back.',
} as const;
export type Refusal = keyof typeof REFUSALS;

/** The authorization as it is afterwards, and what moved; or the refusal, and then nothing did. */
export type Decision = { readonly authorization: Authorization; readonly moved: Sums } | { readonly refusal: Refusal };

/** How the issuer answers. */
export type Verdict =
  | { readonly word: 'approve' }
  /** As prepaid cards are answered for that hold less than was asked. */
  | { readonly word: 'approve_part' }
  | { readonly word: 'ask_customer' }
  | { readonly word: 'decline'; readonly code: string; readonly canRetryElsewhere: boolean };

export const APPROVE: Verdict = { word: 'approve' };

/** In percent of what is authorized; tips and postage. */
export const OVERCAPTURE_PERCENT = 15n;

export interface Order {
  readonly id: string;
  readonly merchantReference: string;
  readonly idempotencyKey: string;
  readonly token: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly isSale: boolean;
  readonly expiresAt: number;
}

/** A new authorization, as the issuer answers it. */
export function authorize(order: Order, verdict: Verdict): { authorization: Authorization; moved: Sums } {
  const asked: Authorization = {
    ...order,
    status: 'action_required',
    declineCode: null,
    canRetryElsewhere: false,
    isVoided: false,
    isClosed: false,
    sums: NOTHING,
  };
  return verdict.word === 'ask_customer' ? { authorization: asked, moved: NOTHING } : answer(asked, verdict);
}

/** The customer has acted, and the issuer answers at last. */
export function completeAction(authorization: Authorization, verdict: Verdict): Decision {
  if (authorization.status !== 'action_required' || verdict.word === 'ask_customer')
    return { refusal: 'no_action_required' };
  return answer(authorization, verdict);
}

function answer(authorization: Authorization, verdict: Exclude<Verdict, { word: 'ask_customer' }>) {
  if (verdict.word === 'decline') {
    const { code: declineCode, canRetryElsewhere } = verdict;
    return {
      authorization: { ...authorization, status: 'declined' as const, declineCode, canRetryElsewhere },
      moved: NOTHING,
    };
  }
  const { amount, isSale } = authorization;
  const granted = verdict.word === 'approve_part' ? partOf(amount) : amount;
  const moved = { ...NOTHING, authorized: granted, captured: isSale ? granted : 0n };
  const status = isSale ? ('captured' as const) : ('authorized' as const);
  return move({ ...authorization, status, isClosed: isSale }, moved);
}

/** Less than was asked, and never nothing: a third, rounded up. */
function partOf(amount: bigint): bigint {
  return (amount + 2n) / 3n;
}

export function increment(authorization: Authorization, amount: bigint, now: number): Decision {
  const refusal = whyNotOpen(authorization, now);
  if (refusal) return { refusal };
  return move(authorization, { ...NOTHING, authorized: amount });
}

export function capture(authorization: Authorization, amount: bigint, isFinal: boolean, now: number): Decision {
  const refusal = whyNotOpen(authorization, now);
  if (refusal) return { refusal };
  const { authorized, captured } = authorization.sums;
  if ((captured + amount) * 100n > authorized * (100n + OVERCAPTURE_PERCENT))
    return { refusal: 'capture_exceeds_authorized' };
  const isClosed = isFinal || captured + amount >= authorized;
  return move({ ...authorization, status: 'captured', isClosed }, { ...NOTHING, captured: amount });
}

/** Gives back what is authorized and was not captured. */
export function voidRest(authorization: Authorization): Decision {
  if (authorization.isVoided) return { refusal: 'already_voided' };
  if (authorization.isClosed) return { refusal: 'already_captured' };
  if (authorization.status === 'declined') return { refusal: 'not_authorized' };
  const isWaiting = authorization.status === 'action_required';
  return {
    authorization: {
      ...authorization,
      isVoided: true,
      // Whoever acts now acts in vain.
      ...(isWaiting ? { status: 'declined' as const, declineCode: 'voided' } : {}),
    },
    moved: NOTHING,
  };
}

export function refund(authorization: Authorization, amount: bigint): Decision {
  if (amount > kept(authorization.sums)) return { refusal: 'refund_exceeds_captured' };
  return move(authorization, { ...NOTHING, refunded: amount });
}

/** The issuer takes the sum back at once, before anybody has decided. */
export function dispute(authorization: Authorization, amount: bigint): Decision {
  if (amount <= 0n || amount > kept(authorization.sums)) return { refusal: 'dispute_exceeds_captured' };
  return move(authorization, { ...NOTHING, disputed: amount });
}

/** The merchant won: what was taken back comes again. */
export function reverseDispute(authorization: Authorization, amount: bigint): Decision {
  return move(authorization, { ...NOTHING, disputeReversed: amount });
}

/** What the merchant has of it. */
export function kept(sums: Sums): bigint {
  return sums.captured - sums.refunded - sums.disputed + sums.disputeReversed;
}

export function addSums(left: Sums, right: Sums): Sums {
  return {
    authorized: left.authorized + right.authorized,
    captured: left.captured + right.captured,
    refunded: left.refunded + right.refunded,
    disputed: left.disputed + right.disputed,
    disputeReversed: left.disputeReversed + right.disputeReversed,
  };
}

function whyNotOpen({ status, isVoided, isClosed, expiresAt }: Authorization, now: number): Refusal | undefined {
  if (isVoided) return 'already_voided';
  if (isClosed) return 'already_captured';
  if (status === 'declined' || status === 'action_required') return 'not_authorized';
  if (now >= expiresAt) return 'authorization_expired';
  return undefined;
}

function move(authorization: Authorization, moved: Sums) {
  return { authorization: { ...authorization, sums: addSums(authorization.sums, moved) }, moved };
}
