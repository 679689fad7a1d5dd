import {
  NOTHING,
  authorize,
  capture,
  increment,
  refund,
  voidRest,
  type Authorization,
  type Decision,
  type Refusal,
  type Sums,
  type Verdict,
} from './authorization.js';
import type { Dispute, Operation, Wish } from './operation.js';

/** What a wish came to: the operation, and what it is about as it is afterwards. */
export interface Outcome {
  readonly operation: Operation;
  readonly authorization: Authorization;
  readonly dispute: Dispute | undefined;
  /** Why the acquirer itself will not; an issuer's "no" is in the operation alone. */
  readonly refusal: Refusal | null;
}

/** What a wish is about. */
export interface Subject {
  readonly authorization: Authorization;
  readonly dispute: Dispute | undefined;
}

/** What comes from outside: the clock, new ids, and which scenario is played. */
export interface Occasion {
  readonly now: number;
  readonly operationId: string;
  readonly authorizationId: string;
  readonly authorizationValid_ms: number;
  readonly scenario: string;
}

/** Decides a wish. Its subject is null for those that make an authorization, and for no other. */
export function decide(wish: Wish, subject: Subject | null, verdict: Verdict, occasion: Occasion): Outcome {
  if (subject === null) return authorized(wish, verdict, occasion);
  const { authorization, dispute } = subject;
  const decision = ruled(wish, subject, occasion.now);
  if ('refusal' in decision) {
    const operation = operationOf(wish, authorization, occasion, { code: decision.refusal, moved: NOTHING });
    return { operation, authorization, dispute, refusal: decision.refusal };
  }
  if (verdict.word === 'decline') {
    const operation = operationOf(wish, authorization, occasion, { code: verdict.code, moved: NOTHING });
    return { operation, authorization, dispute, refusal: null };
  }
  return {
    operation: operationOf(wish, authorization, occasion, { code: null, moved: decision.moved }),
    authorization: decision.authorization,
    dispute: dispute && wish.evidence ? { ...dispute, evidence: { ...dispute.evidence, ...wish.evidence } } : dispute,
    refusal: null,
  };
}

function authorized(wish: Wish, verdict: Verdict, occasion: Occasion): Outcome {
  const { merchantReference = '', token = '', currency = '', amount = 0n } = withoutNulls(wish);
  const order = {
    id: occasion.authorizationId,
    merchantReference,
    idempotencyKey: wish.idempotencyKey,
    token,
    currency,
    amount,
    isSale: wish.type === 'sale',
    expiresAt: occasion.now + occasion.authorizationValid_ms,
  };
  const { authorization, moved } = authorize(order, verdict);
  const operation = operationOf(wish, authorization, occasion, { code: authorization.declineCode, moved });
  return {
    operation: {
      ...operation,
      canRetryElsewhere: authorization.canRetryElsewhere,
      ...(authorization.status === 'action_required' ? { status: authorization.status } : {}),
    },
    authorization,
    dispute: undefined,
    refusal: null,
  };
}

/** What the rules say, whatever the issuer would. */
function ruled(wish: Wish, { authorization, dispute }: Subject, now: number): Decision {
  const amount = wish.amount ?? 0n;
  if (wish.currency !== null && wish.currency !== authorization.currency) return { refusal: 'currency_differs' };
  switch (wish.type) {
    case 'increment':
      return increment(authorization, amount, now);
    case 'capture':
      return capture(authorization, amount, wish.isFinal, now);
    case 'void':
      return voidRest(authorization);
    case 'refund':
      return refund(authorization, amount);
    case 'evidence':
      return dispute?.status === 'opened' ? { authorization, moved: NOTHING } : { refusal: 'dispute_decided' };
    case 'authorize':
    case 'sale':
      throw new Error(`${wish.type} is about nothing that is there`);
    default:
      return wish.type satisfies never;
  }
}

function operationOf(
  wish: Wish,
  authorization: Authorization,
  { operationId, now, scenario }: Occasion,
  { code, moved }: { code: string | null; moved: Sums },
): Operation {
  return {
    id: operationId,
    type: wish.type,
    status: code === null ? 'succeeded' : 'declined',
    declineCode: code,
    canRetryElsewhere: false,
    amount: wish.amount,
    currency: authorization.currency,
    authorization: authorization.id,
    dispute: wish.type === 'evidence' ? wish.target : null,
    merchantReference: authorization.merchantReference,
    idempotencyKey: wish.idempotencyKey,
    moved,
    at: now,
    scenario,
  };
}

function withoutNulls(wish: Wish) {
  return {
    ...(wish.merchantReference === null ? {} : { merchantReference: wish.merchantReference }),
    ...(wish.token === null ? {} : { token: wish.token }),
    ...(wish.currency === null ? {} : { currency: wish.currency }),
    ...(wish.amount === null ? {} : { amount: wish.amount }),
  };
}
