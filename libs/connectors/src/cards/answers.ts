import type { InquiryAnswer, ProviderAction, ProviderAnswer, ProviderRequest } from '../connector.js';
import { Lost } from '../outbound/call-failures.js';
import type { HttpAnswer } from '../outbound/http-exchange.js';
import { fieldsOf, parsed, textOf, type Fields } from '../reading.js';
import { declineOf, refusalOf } from './decline-codes.js';
import { authorizationOf, keptOf, operationOf, type Authorization, type Operation, type Sum } from './wire.js';

/** What is read: the answer to a wish itself, or what is known under its key later, when more may have been done. */
interface Reading {
  readonly wish: ProviderRequest;
  readonly isDirect: boolean;
}

type Certain = Exclude<ProviderAnswer, { outcome: 'not_sent' }>;

/** What the acquirer's answer to a wish comes to. Throws {@link Lost} for one that cannot be relied on. */
export function answerOf(wish: ProviderRequest, answer: HttpAnswer): Certain {
  const body = jsonOf(answer);
  const evidence = { status: answer.status, body: keptOf(body) };
  if (answer.status >= 400) return refused(wish, body, evidence);
  return toldOf({ wish, isDirect: true }, body, evidence);
}

/** What the acquirer has done under the key of a wish. */
export function foundOf(
  wish: ProviderRequest,
  answer: HttpAnswer,
): Exclude<InquiryAnswer, { readonly outcome: 'not_sent' }> {
  const body = jsonOf(answer);
  const evidence = { status: answer.status, body: keptOf(body) };
  const data = fieldsOf(body)?.['data'];
  if (answer.status !== 200 || !Array.isArray(data)) throw new Lost('answer_unreadable', evidence);
  if (data.length === 0) return { outcome: 'not_found', evidence };
  // One key is one thing done: two would be two charges, and a human has to see them.
  if (data.length > 1) throw new Lost('answer_ambiguous', evidence);
  const found = fieldsOf(data[0]);
  // What is not about our key says nothing about it, whatever it says.
  const key = textOf(found?.['idempotency_key']) ?? wish.idempotencyKey;
  if (key !== wish.idempotencyKey) throw new Lost('answer_contradicts', evidence);
  return toldOf({ wish, isDirect: false }, isFirst(wish) ? (asItWas(wish, found) ?? found) : found, evidence);
}

/**
 * The authorization is shown as it is now, and may have been captured since: asked about is what was done under the key. Of one that
 * was to be set aside, for this sum, and was, that is that it is set aside.
 */
function asItWas(wish: ProviderRequest, found: Fields | undefined): unknown {
  const authorization = found?.['authorization'];
  const done = operationOf(found);
  const isSetAside = done?.type === 'authorize' && done.status === 'succeeded' && isSame(done.amount, wish);
  if (wish.action !== 'authorize' || !isSetAside || done.authorization?.status !== 'captured') return authorization;
  return { ...fieldsOf(authorization), status: 'authorized' };
}

function isFirst({ action }: ProviderRequest): boolean {
  return action === 'authorize' || action === 'sale';
}

function toldOf(reading: Reading, body: unknown, evidence: object): Certain {
  const { wish } = reading;
  if (isFirst(wish)) {
    const authorization = authorizationOf(body);
    if (!authorization) throw new Lost('answer_unreadable', { ...evidence });
    return authorized(reading, authorization, { ...evidence });
  }
  if (wish.action === 'submit_evidence') return submitted(body, { ...evidence });
  const operation = operationOf(body);
  if (!operation) throw new Lost('answer_unreadable', { ...evidence });
  return operated(wish, operation, { ...evidence });
}

function authorized(
  reading: Reading,
  authorization: Authorization,
  evidence: Readonly<Record<string, unknown>>,
): Certain {
  const { wish } = reading;
  const { id: reference, status } = authorization;
  if (authorization.merchantReference !== wish.merchantReference || !isSame(authorization.amount, wish)) {
    throw new Lost('answer_contradicts', evidence);
  }
  switch (status) {
    case 'declined':
      // A no to what was done in part: what it has taken would be nobody's.
      if (isSome(authorization.authorized) || isSome(authorization.captured))
        throw new Lost('answer_contradicts', evidence);
      return {
        outcome: 'declined',
        code: declineOf(authorization.declineCode),
        reference,
        isOthersToTry: authorization.isOthersToTry,
        evidence,
      };
    case 'action_required':
      if (!authorization.actionUrl) throw new Lost('answer_unreadable', evidence);
      return { outcome: 'requires_action', url: authorization.actionUrl, reference, evidence };
    case 'authorized':
    case 'captured':
      // Money taken where it was to be set aside, or the other way round, is not what we would book.
      if ((status === 'captured') !== (wish.action === 'sale')) throw new Lost('answer_contradicts', evidence);
      if (!isWhole(reading, authorization)) throw new Lost('answer_contradicts', evidence);
      return { outcome: 'approved', reference, evidence };
    default:
      throw new Lost('answer_inconclusive', evidence);
  }
}

/**
 * A yes may be to a part: `amount` is what was asked for, whatever was granted. What is set aside may have grown since, by increments,
 * and some of it been taken; what a sale has taken stays.
 */
function isWhole({ wish, isDirect }: Reading, { authorized: granted, captured }: Authorization): boolean {
  const isGranted = isDirect ? isSame(granted, wish) : isAtLeast(granted, wish);
  if (wish.action === 'sale') return isGranted && isSame(captured, wish);
  return isGranted && (!isDirect || (captured !== undefined && !isSome(captured)));
}

/** The sum of the authorization by which it is seen that what goes on with one was done. */
const MOVES: Readonly<Partial<Record<ProviderAction, 'authorized' | 'captured' | 'refunded'>>> = {
  increment: 'authorized',
  capture: 'captured',
  refund: 'refunded',
};

/** The authorization as it is now has moved by as much, at least: what else was done with it is not known here. */
function hasMoved(wish: ProviderRequest, authorization: Authorization | undefined): boolean {
  if (!authorization) return false;
  if (wish.action === 'void') return authorization.isVoided;
  const sum = MOVES[wish.action];
  return sum !== undefined && isAtLeast(authorization[sum], wish);
}

function operated(wish: ProviderRequest, operation: Operation, evidence: Readonly<Record<string, unknown>>): Certain {
  const { id: reference, status, authorization } = operation;
  if (wish.action !== 'void' && !isSame(operation.amount, wish)) throw new Lost('answer_contradicts', evidence);
  if (authorization && authorization.id !== wish.reference) throw new Lost('answer_contradicts', evidence);
  if (status === 'succeeded') {
    if (!hasMoved(wish, authorization)) throw new Lost('answer_contradicts', evidence);
    return { outcome: 'approved', reference, evidence };
  }
  if (status !== 'declined') throw new Lost('answer_inconclusive', evidence);
  if (isVoidDone(wish, operation.declineCode)) return { outcome: 'approved', reference, evidence };
  return { outcome: 'declined', code: declineOf(operation.declineCode), reference, isOthersToTry: false, evidence };
}

const GIVEN_BACK: ReadonlySet<string> = new Set(['already_voided', 'authorization_expired']);

/** What a void was to bring about is there: nothing is set aside any more, and nothing more was taken. */
function isVoidDone({ action }: ProviderRequest, code: string | null): boolean {
  return action === 'void' && code !== null && GIVEN_BACK.has(code);
}

function submitted(body: unknown, evidence: Readonly<Record<string, unknown>>): Certain {
  const operation = operationOf(body);
  if (!operation) throw new Lost('answer_unreadable', evidence);
  const { id: reference, status, declineCode } = operation;
  if (status === 'succeeded') return { outcome: 'approved', reference, evidence };
  if (status !== 'declined') throw new Lost('answer_inconclusive', evidence);
  return { outcome: 'declined', code: declineOf(declineCode), reference, isOthersToTry: false, evidence };
}

/** A 4xx with a code of the acquirer's: it read the request, and did nothing. Without one, anybody on the way may have said it. */
function refused(wish: ProviderRequest, body: unknown, evidence: Readonly<Record<string, unknown>>): Certain {
  const code = textOf(fieldsOf(body)?.['code']);
  if (!code) throw new Lost('answer_unreadable', evidence);
  if (isVoidDone(wish, code)) return { outcome: 'approved', reference: null, evidence };
  return { outcome: 'declined', code: refusalOf(code), reference: null, isOthersToTry: false, evidence };
}

function isSame(told: Sum | undefined, { amount, asset }: ProviderRequest): boolean {
  return told !== undefined && told.value === amount && told.currency === asset;
}

function isAtLeast(told: Sum | undefined, { amount, asset }: ProviderRequest): boolean {
  return told?.currency === asset && amount !== null && BigInt(told.value) >= BigInt(amount);
}

function isSome(told: Sum | undefined): boolean {
  return told !== undefined && told.value !== '0';
}

function jsonOf({ status, body }: HttpAnswer): unknown {
  const read = parsed(body);
  if (read === undefined) throw new Lost('answer_unreadable', { status, bytes: body.length });
  return read;
}
