import { ownUuid, fromUuid, uuidOf, type AccountSnapshot, type Refusal } from '@payflow/contracts';
import type { ProviderAction } from '@payflow/connectors';
import { attemptIdOf } from './attempt.js';
import { giveBack, release, reserve, settle, type Taking } from './ledger-steps.js';
import {
  authorizationUuid,
  heldByPayment,
  isExclusive,
  isOpen,
  isOutside,
  moved,
  operationOf,
  tell,
  withOperation,
  withPayment,
  type Life,
  type Moment,
  type Operation,
  type Step,
} from './life.js';
import { endCapture, endCancellation, endIncrement, endAuthorization, endRefund } from './completion.js';
import { isOverdue, leftToCapture, leftToRefund, refusalOf } from './operation-refusal.js';

/**
 * The course of every operation:
 *
 *     queued ──▶ reserving ──▶ asking ──yes──▶ settling ──▶ succeeded
 *                    │            └────no────▶ releasing ──▶ failed
 *                    └─refused by the ledger─────────────────▶ failed
 *
 * What an operation has no need of is passed over. Money is reserved before a provider is asked, so that the ledger cannot
 * refuse what the provider has done.
 */
export function begin(life: Life, queued: Operation, moment: Moment): Life {
  const { payment } = life;
  const refusal = refusalOf(queued, payment, moment.termsOf(payment.connector), moment.ownNow);
  if (refusal) return failed(life, queued, refusal, [], moment);
  // From here the operation is at work.
  const operation = { ...queued, amount: amountOf(queued, life) };
  const mine =
    isExclusive(operation) && operation.kind !== 'confirmation' ? withPayment(life, { operation: operation.id }) : life;
  switch (operation.kind) {
    case 'authorization':
    case 'increment':
      return reserve(mine, operation, operation.amount as bigint, moment);
    case 'confirmation':
      return confirm(mine, operation, moment);
    case 'capture': {
      const excess = (operation.amount as bigint) - leftToCapture(payment);
      return excess > 0n ? reserve(mine, operation, excess, moment) : reserved(mine, operation, [], moment);
    }
    case 'cancellation':
    case 'expiry':
      return reserved(mine, operation, [], moment);
    case 'refund': {
      const asked = withPayment(mine, { refunding: payment.refunding + (operation.amount as bigint) });
      if (isOutside(payment)) return reserve(asked, operation, operation.amount as bigint, moment);
      return giveBack(asked, operation, fromUuid('transfer', operation.id), moment);
    }
    default:
      return operation.kind satisfies never;
  }
}

/** What the operation needed of the ledger is set aside: the provider is asked, where there is one. */
export function reserved(life: Life, operation: Operation, accounts: readonly AccountSnapshot[], moment: Moment): Life {
  const action = actionOf(life, operation);
  if (!action) return approved(life, operation, accounts, moment);
  const { payment } = life;
  const isFirst = action === 'authorize' || action === 'sale';
  const attempt = {
    id: attemptIdOf(payment, operation.id, 1),
    operation: operation.id,
    action,
    amount: operation.amount,
    request: {
      ...(isFirst && payment.method.type === 'card'
        ? { card: payment.method }
        : { reference: payment.providerReference }),
      ...(action === 'capture' && { final: isLastCapture(life, operation, moment) }),
    },
    connector: isFirst ? null : payment.connector,
  };
  return tell(withOperation(life, { ...operation, status: 'asking' }), { kind: 'attempt', attempt }, moment);
}

/** Nothing stands in its way any more: held money is booked or given back, as the operation means it. */
export function approved(life: Life, operation: Operation, accounts: readonly AccountSnapshot[], moment: Moment): Life {
  switch (operation.kind) {
    case 'authorization': {
      if (life.payment.capture !== 'automatic') return done(life, operation, accounts, moment);
      const takings = heldByPayment(life).map(({ hold, left }): Taking => ({ hold, amount: left }));
      return settle(goingOn(life, moment), operation, takings, { final: true }, moment);
    }
    case 'capture':
      return settleCapture(life, operation, moment);
    case 'cancellation':
    case 'expiry': {
      const held = heldByPayment(life);
      if (held.length === 0) return done(life, operation, accounts, moment);
      return release(life, operation, held, 'settling', moment);
    }
    case 'refund': {
      const taking = { hold: ownHold(life, operation)?.hold as string, amount: operation.amount as bigint };
      return settle(life, operation, [taking], { final: true, isBack: true }, moment);
    }
    case 'increment':
      return done(life, operation, accounts, moment);
    case 'confirmation':
      throw new TypeError('nobody but its client is asked about a confirmation');
    default:
      return operation.kind satisfies never;
  }
}

/** It will not be: what it had reserved is given back, and then it has failed. */
export function declined(
  life: Life,
  operation: Operation,
  code: string,
  accounts: readonly AccountSnapshot[],
  moment: Moment,
): Life {
  const own = ownHold(life, operation);
  if (!own) return failed(doubted(life, operation, moment), operation, code, accounts, moment);
  const next = operation.kind === 'authorization' ? goingOn(life, moment) : life;
  return release(next, { ...operation, failureCode: code }, [own], 'releasing', moment);
}

/** Where the end of a payment was refused that waits for its customer, they may have acted, and nobody may have told. */
function doubted(life: Life, { kind }: Operation, moment: Moment): Life {
  const first = life.operations.find((other) => other.kind === 'authorization' && other.status === 'asking');
  if (!first || (kind !== 'cancellation' && kind !== 'expiry')) return life;
  return tell(life, { kind: 'inquiry', operation: first.id }, moment);
}

/** All that it needed is done: the payment takes what came of it, and the next one may begin. */
export function done(life: Life, operation: Operation, accounts: readonly AccountSnapshot[], moment: Moment): Life {
  if (operation.failureCode !== null) return failed(life, operation, operation.failureCode, accounts, moment);
  switch (operation.kind) {
    case 'authorization':
      return ended(endAuthorization(life, accounts, moment), operation, null, accounts, moment);
    case 'increment':
      return ended(endIncrement(life, operation, accounts, moment), operation, null, accounts, moment);
    case 'capture': {
      const isLast = isLastCapture(life, operation, moment);
      return ended(endCapture(life, operation, isLast, accounts, moment), operation, null, accounts, moment);
    }
    case 'cancellation':
    case 'expiry': {
      const over = endCancellation(life, operation.kind, accounts, moment);
      return ended(withoutAuthorization(over, operation, moment), operation, null, accounts, moment);
    }
    case 'refund':
      return ended(endRefund(life, operation, accounts, moment), operation, null, accounts, moment);
    case 'confirmation':
      return ended(life, operation, null, accounts, moment);
    default:
      return operation.kind satisfies never;
  }
}

/** It comes to nothing. The payment stays as it was, unless it was its first authorization. */
export function failed(
  life: Life,
  operation: Operation,
  code: string,
  accounts: readonly AccountSnapshot[],
  moment: Moment,
): Life {
  const { payment } = life;
  const isBegun = operation.status !== 'queued';
  if (operation.kind === 'refund' && isBegun) {
    const freed = withPayment(life, { refunding: payment.refunding - (operation.amount as bigint) });
    return ended(freed, operation, code, accounts, moment);
  }
  if (operation.kind !== 'authorization') return ended(life, operation, code, accounts, moment);
  const change = { failureCode: code, nextAction: null };
  return ended(moved(life, 'failed', change, { reason: code, accounts }, moment), operation, code, accounts, moment);
}

/** Begins what waits for its turn, in the order of the numbers, until one is at work. */
export function beginNext(life: Life, moment: Moment): Life {
  let next = life;
  while (next.payment.operation === null && next.payment.status !== 'processing') {
    const queued = next.operations.find(({ status }) => status === 'queued');
    const heard = next.operations.find(isHeard);
    if (heard) next = resume(withPayment(next, { operation: heard.id }), heard, moment);
    else if (queued) next = begin(next, queued, moment);
    else return next;
  }
  return next;
}

/** The first authorization, whose provider has answered while something else was at work on the payment. */
function isHeard({ kind, status }: Operation): boolean {
  return kind === 'authorization' && (status === 'settling' || status === 'releasing');
}

function resume(life: Life, operation: Operation, moment: Moment): Life {
  const accounts = ownHold(life, operation)?.accounts ?? [];
  const { failureCode } = operation;
  return failureCode === null
    ? approved(life, operation, accounts, moment)
    : declined(life, operation, failureCode, accounts, moment);
}

/** The hold that the operation itself has placed, while something is held by it. */
export function ownHold({ steps }: Life, { id }: Operation): Step | undefined {
  return steps.find(({ operation, left }) => operation === id && (left ?? 0n) > 0n);
}

function confirm(life: Life, operation: Operation, moment: Moment): Life {
  const { payment } = life;
  const first = life.operations.find((other) => other.kind === 'authorization' && isOpen(other));
  if (first) {
    // The customer says that they have acted: how it stands is asked at once, and told by an answer if it has changed.
    const asked = tell(life, { kind: 'inquiry', operation: first.id }, moment);
    return done(asked, operation, [], moment);
  }
  const capture = operation.final || payment.capture !== 'automatic' ? payment.capture : 'manual';
  const going = moved(life, 'processing', { capture, nextAction: null }, { reason: 'confirmed', accounts: [] }, moment);
  const waiting = withOperation(going, { ...operation, status: 'asking' });
  return begin(waiting, authorizationOf(waiting, operation, moment), moment);
}

/** The first operation of a payment. */
export function authorizationOf(
  life: Life,
  { commandId, actor, traceId }: Pick<Operation, 'commandId' | 'actor' | 'traceId'>,
  moment: Moment,
): Operation {
  return {
    id: authorizationUuid(life.payment.id),
    kind: 'authorization',
    number: life.lastNumber + 1,
    status: 'queued',
    amount: BigInt(life.payment.amount),
    final: true,
    failureCode: null,
    reason: null,
    metadata: {},
    commandId,
    actor,
    traceId,
    answerId: null,
    needsAttention: false,
    createdAt: moment.now,
  };
}

function amountOf({ kind, amount }: Operation, { payment }: Life): bigint | null {
  if (kind === 'capture') return amount ?? leftToCapture(payment);
  if (kind === 'refund') return amount ?? leftToRefund(payment);
  return amount;
}

/** Undefined where nobody outside has to be asked. */
function actionOf({ payment }: Life, { kind }: Operation): ProviderAction | undefined {
  if (!isOutside(payment)) return undefined;
  switch (kind) {
    case 'authorization':
      return payment.capture === 'automatic' ? 'sale' : 'authorize';
    case 'cancellation':
    case 'expiry':
      return payment.providerReference === null ? undefined : 'void';
    case 'increment':
    case 'capture':
    case 'refund':
      return kind;
    default:
      return undefined;
  }
}

/** Where the customer had to act, and has: the payment is under way again. */
function goingOn(life: Life, moment: Moment): Life {
  if (life.payment.status !== 'requires_action') return life;
  return moved(life, 'processing', { nextAction: null }, { reason: 'customer_acted', accounts: [] }, moment);
}

/** Whether nothing more can be captured after it. */
function isLastCapture({ payment }: Life, { amount, final }: Operation, moment: Moment): boolean {
  if (final || payment.capture !== 'manual_multiple') return true;
  return !moment.termsOf(payment.connector).multipleCaptures || (amount as bigint) >= leftToCapture(payment);
}

/** Takes the amount from the holds, oldest first; the last capture gives back what is left in all of them. */
function settleCapture(life: Life, operation: Operation, moment: Moment): Life {
  const final = isLastCapture(life, operation, moment);
  let missing = operation.amount as bigint;
  const takings: Taking[] = [];
  const untouched: Step[] = [];
  for (const step of heldByPayment(life)) {
    const amount = step.left < missing ? step.left : missing;
    missing -= amount;
    if (amount > 0n) takings.push({ hold: step.hold, amount });
    else if (final) untouched.push(step);
  }
  if (missing > 0n) throw new TypeError('less is held for the payment than is authorized');
  const settled = settle(life, operation, takings, { final }, moment);
  return release(settled, operationOf(settled, operation.id) as Operation, untouched, 'settling', moment);
}

/** A payment that is called off before its customer has acted will never be authorized. */
function withoutAuthorization(life: Life, operation: Operation, moment: Moment): Life {
  const first = life.operations.find((other) => other.kind === 'authorization' && isOpen(other));
  if (!first) return life;
  const code: Refusal = operation.kind === 'expiry' ? 'payment_expired' : 'payment_canceled';
  // Nobody tells unasked that the customer cannot act any more: without a question its attempt would wait for them for good.
  const inquiry = { kind: 'inquiry', operation: first.id, isOfTheEnd: true } as const;
  const asked = first.status === 'asking' ? tell(life, inquiry, moment) : life;
  // Its sale was heard of while its end was asked for. The later word counts; whether it is so, a person has to see.
  const isTaken = first.status === 'settling' && life.payment.capture === 'automatic';
  const told = isTaken ? tell(asked, { kind: 'taken', operation: first }, moment) : asked;
  return ended(told, first, code, [], moment);
}

/** The operation has its end, once; what waits for it goes on. */
function ended(
  life: Life,
  operation: Operation,
  failureCode: string | null,
  accounts: readonly AccountSnapshot[],
  moment: Moment,
): Life {
  const end: Operation = { ...operation, status: failureCode === null ? 'succeeded' : 'failed', failureCode };
  const over = withOperation(life, end);
  const news = { kind: 'operation', operation: end, payment: over.payment, accounts, at: moment.now } as const;
  const told = tell(over, news, moment);
  const after = operation.kind === 'authorization' ? endConfirmation(told, failureCode, accounts, moment) : told;
  if (after.payment.operation !== operation.id) return after;
  const next = beginNext(withPayment(after, { operation: null }), moment);
  // Its time may have run out meanwhile, and the sweeper come in vain. An end that came to nothing is asked for again by that.
  return isEnd(operation) ? next : expire(next, moment);
}

/** Its time is over. If that is not so, or something is at work on it, nothing happens: the sweeper asks, and asks again. */
export function expire(life: Life, moment: Moment): Life {
  const isEnding = life.operations.some((each) => isOpen(each) && isEnd(each));
  if (isBusy(life) || isEnding || !isOverdue(life.payment, moment.ownNow)) return life;
  const facts = { amount: null, final: true, reason: null, metadata: {}, createdAt: moment.now };
  const id = ownUuid(uuidOf('payment', life.payment.id), `expiry:${life.lastNumber + 1}`);
  return begin(life, operationFor(life, { kind: 'expiry', id, ...facts }, moment), moment);
}

export function isBusy({ payment }: Life): boolean {
  return payment.operation !== null || payment.status === 'processing';
}

function isEnd({ kind }: Operation): boolean {
  return kind === 'expiry' || kind === 'cancellation';
}

type Facts = Pick<Operation, 'id' | 'kind' | 'amount' | 'final' | 'reason' | 'metadata' | 'createdAt'>;

export function operationFor(life: Life, facts: Facts, { cause }: Moment): Operation {
  return {
    ...facts,
    number: life.lastNumber + 1,
    status: 'queued',
    failureCode: null,
    commandId: cause.id,
    actor: cause.actor,
    traceId: cause.traceId,
    answerId: null,
    needsAttention: false,
  };
}

/** The confirmation that began the authorization ends as that does. */
export function endConfirmation(
  life: Life,
  failureCode: string | null,
  accounts: readonly AccountSnapshot[],
  moment: Moment,
): Life {
  const confirmation = life.operations.find(({ kind, status }) => kind === 'confirmation' && status === 'asking');
  return confirmation ? ended(life, confirmation, failureCode, accounts, moment) : life;
}
