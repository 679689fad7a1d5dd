import { uuidOf, type AccountSnapshot, type PaymentAnswer, type PaymentCreate, type Refusal } from '@payflow/contracts';
import {
  approved,
  authorizationOf,
  begin,
  beginNext,
  declined,
  endConfirmation,
  failed,
  isBusy,
  operationFor,
  ownHold,
  reserved,
} from './course.js';
import { goodUntil } from './completion.js';
import { concluded, divideAgain, hearDivision } from './division-steps.js';
import { leftToRefund } from './operation-refusal.js';
import {
  isOpen,
  isOutside,
  moved,
  operationOf,
  tell,
  withOperation,
  withPayment,
  withStep,
  type Kind,
  type Life,
  type Moment,
  type Operation,
  type Step,
} from './life.js';
import { askAgain } from './ledger-steps.js';

/** What waits, and what is at work, is read whole whenever the payment is touched. */
const OPEN_OPERATIONS_MAX = 100;

/** What a client asks of a payment that is there. */
export interface Wish {
  readonly kind: Exclude<Kind, 'authorization' | 'expiry'>;
  /** UUID. */
  readonly id: string;
  readonly amount: bigint | null;
  readonly final: boolean;
  readonly reason: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAt: string;
  /** The version that the payment must not have gone past: what was seen when it was asked. */
  readonly ifVersion?: number | undefined;
}

/** The ledger's word on one of our commands. */
export interface StepVerdict {
  readonly commandId: string;
  readonly eventId: string;
  /** Null where it was done. */
  readonly refusal: string | null;
  /** Of a hold: how much of it is still held. */
  readonly left: bigint | null;
  readonly accounts: readonly AccountSnapshot[];
}

/** A payment that goes by steps begins: at once, or when it is confirmed. */
export function start(life: Life, { confirm }: Pick<PaymentCreate, 'confirm'>, moment: Moment): Life {
  if (confirm === false) {
    const why = { reason: 'confirmation_needed', accounts: [] };
    return moved(life, 'requires_action', { nextAction: { type: 'confirm' } }, why, moment);
  }
  const { cause } = moment;
  const first = authorizationOf(life, { commandId: cause.id, actor: cause.actor, traceId: cause.traceId }, moment);
  return begin(life, first, moment);
}

/** Its organisation does not want it, or its command says too little: it has failed before anybody was asked. */
export function deny(life: Life, code: Refusal, failureReason: string | null, moment: Moment): Life {
  const refused = withPayment(life, { failureReason });
  const { id: commandId, actor, traceId } = moment.cause;
  if (life.payment.ledgerCommandId === null) {
    // One that would have waited to be confirmed has no operation either, and what was asked of it waited for its review.
    const first = authorizationOf(life, { commandId, actor, traceId }, moment);
    return goOn(failed(refused, first, code, [], moment), moment);
  }
  // A direct payment has no operation. Our own word stands in the place of the ledger's, and something may have waited for that.
  const change = { failureCode: code, endedBy: commandId };
  return goOn(moved(refused, 'failed', change, { reason: code, accounts: [] }, moment), moment);
}

/** A human has looked at it: it begins as if it had just been taken in, and whatever has waited for that goes on. */
export function approve(life: Life, confirm: boolean, moment: Moment): Life {
  return confirm ? start(life, {}, moment) : goOn(start(life, { confirm: false }, moment), moment);
}

/** A client's wish: begins at once, waits for its turn, or is refused. One that is known already stays as it is. */
export function ask(life: Life, wish: Wish, moment: Moment): Life {
  if (operationOf(life, wish.id)) return life;
  const operation = operationFor(life, wish, moment);
  // A payment that has not come so far is one of a database that was set back: the wish has its turn again when it has.
  if (wish.ifVersion !== undefined && wish.ifVersion < life.payment.version)
    return failed(life, operation, 'version_differs' satisfies Refusal, [], moment);
  if (life.operations.filter(isOpen).length >= OPEN_OPERATIONS_MAX)
    return failed(life, operation, 'too_many_operations' satisfies Refusal, [], moment);
  const asked = inquired(life, operation, moment);
  if (operation.kind === 'refund' && !awaitsCapture(life, operation)) return begin(asked, operation, moment);
  if (!isBusy(life)) return beginNext(withOperation(asked, operation), moment);
  // A direct payment is not held by an operation: whoever ends it must see that something waits.
  const marked = withPayment(asked, { operation: life.payment.operation ?? uuidOf('payment', life.payment.id) });
  return withOperation(marked, operation);
}

/**
 * A refund waits for nothing but the money: where what it would give back is being captured, or is about to be, it has its turn behind
 * that. So messages that are taken in at once, after an outage or where our database was set back, end as they did one by one.
 */
function awaitsCapture({ payment, operations }: Life, { amount }: Operation): boolean {
  const isCapturing =
    (payment.status === 'processing' && payment.capture === 'automatic') ||
    operations.some((other) => other.kind === 'capture' && isOpen(other));
  return isCapturing && (amount === null || amount > leftToRefund(payment));
}

/** Before anything else is asked of a payment, providers are asked about what is not known of it, and about what that waits for. */
function inquired(life: Life, { kind }: Operation, moment: Moment): Life {
  const asking = life.operations.filter(({ status }) => status === 'asking');
  return asking.reduce((next, { id }) => {
    const isWaitedFor = kind !== 'refund' && id === life.payment.operation;
    return tell(next, { kind: 'inquiry', operation: id, ...(!isWaitedFor && { isOnlyOfUnknown: true }) }, moment);
  }, life);
}

/** A wish that came damaged, or that an operator gave up: it is kept as failed, where a later copy finds it. */
export function giveUp(life: Life, wish: Wish, code: Refusal, moment: Moment): Life {
  if (operationOf(life, wish.id)) return life;
  return failed(life, operationFor(life, wish, moment), code, [], moment);
}

/** The direct transfer of the payment has ended it, and something may have waited for that. */
export function goOn(life: Life, moment: Moment): Life {
  return beginNext(withPayment(life, { operation: null }), moment);
}

/** What a provider said. Whatever comes when nobody waits for it moves nothing. */
export function hear(life: Life, answer: PaymentAnswer, operationId: string, moment: Moment): Life {
  const operation = operationOf(life, operationId);
  if (!operation || operation.status !== 'asking') return life;
  const answered = { ...operation, answerId: moment.cause.id, needsAttention: false };
  const known = operation.kind === 'authorization' ? knowing(life, answer) : life;
  if (answer.outcome === 'requires_action') {
    const noted = withOperation(known, answered);
    const isElsewhere = known.payment.connector !== life.payment.connector;
    return customerMustAct(noted, answered, { url: answer.url, isElsewhere }, moment);
  }
  const accounts = ownHold(life, operation)?.accounts ?? [];
  const code = answer.outcome === 'approved' ? null : codeOf(answer);
  const { operation: current } = known.payment;
  const heardAt = { ...moment, authorizedAt: answer.authorized_at };
  if (operation.kind !== 'refund' && current !== null && current !== operation.id) {
    const status = code === null ? 'settling' : 'releasing';
    return withOperation(code === null ? bounded(known, heardAt) : known, { ...answered, status, failureCode: code });
  }
  const mine = operation.kind === 'refund' ? known : withPayment(known, { operation: operation.id });
  if (code !== null) return declined(mine, answered, code, accounts, moment);
  return approved(mine, answered, accounts, heardAt);
}

/** It is authorized when what is at work has ended, and for no longer by that: since when, only this answer says. */
function bounded(life: Life, heardAt: Moment): Life {
  const { payment } = life;
  return payment.capture === 'automatic' ? life : withPayment(life, { authorizedUntil: goodUntil(payment, heardAt) });
}

/** What the provider answered was discarded unheard: the operation waits on, for it to be told again, and somebody is to know. */
export function missAnswer(life: Life, operationId: string, moment: Moment): Life {
  const operation = operationOf(life, operationId);
  if (!operation || operation.status !== 'asking' || operation.needsAttention) return life;
  const stuck = { ...operation, needsAttention: true };
  return tell(withOperation(life, stuck), { kind: 'attention', operation: stuck, step: null }, moment);
}

/** What the ledger said to a step. A verdict on a step that has its verdict moves nothing. */
export function hearLedger(life: Life, verdict: StepVerdict, moment: Moment): Life {
  const step = life.steps.find(({ commandId }) => commandId === verdict.commandId);
  if (step?.type === 'payflow.group.post.v1') return hearDivision(life, step, verdict, moment);
  const operation = operationOf(life, step?.operation);
  if (!step || step.status !== 'asked' || !operation || !isOpen(operation)) return life;
  const next = withHold(withVerdict(life, step, verdict), step, verdict);
  if (verdict.refusal !== null) return refused(next, operation, step, verdict.refusal, moment);
  if (step.type === 'payflow.hold.place.v1') return reserved(next, operation, verdict.accounts, moment);
  // A refused step that a person has to look at is not done by the others.
  if (operation.needsAttention) return next;
  const isWaiting = next.steps.some((other) => other.operation === operation.id && other.status === 'asked');
  return isWaiting ? next : concluded(next, operation, verdict.accounts, moment);
}

/**
 * The ledger is asked again for all that it has not answered, in the same words: it gives the same verdict. What it would not do
 * although it had to, and what it would not divide, is asked for anew.
 */
export function remind(life: Life, moment: Moment): Life {
  const { payment, steps } = life;
  if (payment.admission === 'in_review') return life;
  if (payment.ledgerCommandId !== null && payment.status === 'processing')
    return tell(life, { kind: 'transfer', payment }, moment);
  const reminded = steps
    .filter(({ status }) => status === 'asked')
    .reduce((next, step) => tell(next, { kind: 'step', step, again: true }, moment), divideAgain(life, moment));
  return life.operations
    .filter((operation) => operation.needsAttention && isOpen(operation) && operation.status !== 'asking')
    .reduce((next, operation) => askAgain(next, operation, moment), reminded);
}

/** Where the money is set aside outside, as far as the provider has said. */
function knowing(life: Life, { connector, provider_reference }: PaymentAnswer): Life {
  const { payment } = life;
  return withPayment(life, {
    connector: connector ?? payment.connector,
    providerReference: provider_reference ?? payment.providerReference,
  });
}

function codeOf({ outcome, code }: PaymentAnswer): string {
  return code ?? ((outcome === 'not_sent' ? 'provider_not_reached' : 'provider_declined') satisfies Refusal);
}

/**
 * The payment waits for its customer, who may never come: until then others may call it off. Where it waits already, and is waited for
 * `isElsewhere` or at another address by now, the customer has to be sent there: at the first, nobody waits for them any more.
 */
function customerMustAct(
  life: Life,
  operation: Operation,
  { url, isElsewhere }: { readonly url: string | null; readonly isElsewhere: boolean },
  moment: Moment,
): Life {
  const { status, nextAction: known } = life.payment;
  if (operation.kind !== 'authorization') return life;
  const accounts = ownHold(life, operation)?.accounts ?? [];
  const nextAction = { type: 'redirect', ...(url !== null && { url }) } as const;
  if (status === 'processing') {
    const why = { reason: 'customer_action_needed', accounts };
    const waiting = moved(life, 'requires_action', { nextAction, operation: null }, why, moment);
    return beginNext(endConfirmation(waiting, null, accounts, moment), moment);
  }
  if (status !== 'requires_action' || (!isElsewhere && known?.url === nextAction.url)) return life;
  // Whatever is at work on it, its end perhaps, stays so.
  return moved(life, 'requires_action', { nextAction }, { reason: 'customer_action_changed', accounts }, moment);
}

function withVerdict(life: Life, step: Step, { eventId, refusal, accounts, left }: StepVerdict): Life {
  const isHold = step.type === 'payflow.hold.place.v1';
  return withStep(life, {
    ...step,
    status: refusal === null ? 'done' : 'refused',
    reason: refusal,
    verdictId: eventId,
    left: isHold && refusal === null ? left : step.left,
    accounts: isHold && isOutside(life.payment) ? accounts : step.accounts,
  });
}

/** A posting, or the end of a hold, changes what is left in it. */
function withHold(life: Life, { type, hold }: Step, { refusal, left }: StepVerdict): Life {
  if (type === 'payflow.hold.place.v1' || hold === null || refusal !== null) return life;
  const placed = life.steps.find((step) => step.type === 'payflow.hold.place.v1' && step.hold === hold);
  return placed ? withStep(life, { ...placed, left }) : life;
}

function refused(life: Life, operation: Operation, step: Step, reason: string, moment: Moment): Life {
  if (step.type === 'payflow.hold.place.v1' || step.type === 'payflow.transfer.post.v1')
    return failed(life, operation, reason, [], moment);
  // The ledger cannot refuse to end what it holds; if it does, no guess of ours is better than a person's.
  const stuck = { ...operation, needsAttention: true };
  return tell(withOperation(life, stuck), { kind: 'attention', operation: stuck, step: { ...step, reason } }, moment);
}
