import type { HoldPlace, HoldPost, HoldRejected, HoldState, HoldVoid, MessageData, Refusal } from '@payflow/contracts';
import { formatAmount, parseAmount } from '@payflow/money';
import { snapshot } from '../account.js';
import type { Book, Owner } from '../book.js';
import { isGivenBack, placeHold, postHold, voidHold, type Hold, type HoldChanged } from '../hold.js';

import { refusalOfRule } from './ruled.js';

type Of<T extends keyof MessageData> = { type: T; data: MessageData[T] };
type Rejected = Of<'payflow.hold.rejected.v1'>;

/** Held against its type's rule when it is placed, in the version in force then; its postings keep to that. */
export function acceptHold(book: Book, owner: Owner, data: HoldPlace): Of<'payflow.hold.placed.v1'> | Rejected {
  const { type: name } = data;
  const broken = name === undefined ? undefined : refusalOfRule(book, owner, name, data);
  if (broken) return refuseHold({ ...data, operation: 'place', transfer: null }, broken, book.now);
  const version = name === undefined ? undefined : book.transactionType(owner, name)?.version;
  const terms = {
    id: data.id,
    payment: data.payment,
    debitAccount: data.debit_account,
    creditAccount: data.credit_account,
    amount: parseAmount(data.amount) ?? 0n,
    asset: data.asset,
    expiresAt: data.expires_at,
    validUntil: data.valid_until,
    type: name === undefined || version === undefined ? null : { name, version },
  };
  const decision = placeHold(terms, sidesOf(book, owner, data), book.clock);
  if (decision.kind === 'refused')
    return refuseHold({ ...data, operation: 'place', transfer: null }, decision.reason, book.now);
  return { type: 'payflow.hold.placed.v1', data: kept(book, owner, decision) };
}

export function acceptHoldPosting(book: Book, owner: Owner, data: HoldPost): Of<'payflow.hold.posted.v1'> | Rejected {
  const { id: transfer, hold: id, debit_account: debitAccount, credit_account: creditAccount, final } = data;
  const held = book.hold(owner, id);
  const amount = data.amount === null ? null : (parseAmount(data.amount) ?? 0n);
  const posting = { debitAccount, creditAccount, amount, final, ifVersion: data.if_version };
  const decision = postHold(posting, held, sidesOf(book, owner, data), book.clock);
  if (decision.kind === 'refused' || !held)
    return refuseHold(
      { ...data, id, operation: 'post', transfer, payment: held?.payment ?? null },
      decision.kind === 'refused' ? decision.reason : 'hold_not_found',
      book.now,
    );
  const transferred = decision.hold.posted - held.posted;
  const { payment, asset } = held;
  const movement = { debitAccount, creditAccount, amount: transferred, asset };
  book.post({ ...movement, owner, id: transfer, payment, group: null, hold: id, reverses: null, effectiveAt: null });
  if (held.type) book.keepType({ owner, transfer, type: held.type.name, version: held.type.version });
  const state = kept(book, owner, decision);
  return { type: 'payflow.hold.posted.v1', data: { ...state, transfer, transferred: formatAmount(transferred) } };
}

export function acceptHoldVoid(book: Book, owner: Owner, data: HoldVoid): Of<'payflow.hold.voided.v1'> | Rejected {
  const { id, debit_account: debitAccount, credit_account: creditAccount, expired } = data;
  const held = book.hold(owner, id);
  const claim = { debitAccount, creditAccount, expired, ifVersion: data.if_version };
  const sides = sidesOf(book, owner, data);
  if (isGivenBack(claim, held) && sides.debit && sides.credit)
    return {
      type: 'payflow.hold.voided.v1',
      data: stateOf({ hold: held, debit: sides.debit, credit: sides.credit }, held.changedAt ?? book.now),
    };
  const decision = voidHold(claim, held, sides, book.clock);
  if (decision.kind === 'refused')
    return refuseHold(
      { ...data, operation: 'void', transfer: null, payment: held?.payment ?? null },
      decision.reason,
      book.now,
    );
  return { type: 'payflow.hold.voided.v1', data: kept(book, owner, decision) };
}

export function refuseHold(
  { id, operation, transfer, payment, debit_account }: Omit<HoldRejected, 'reason' | 'recorded_at'>,
  reason: Refusal,
  now: string,
): Rejected {
  return {
    type: 'payflow.hold.rejected.v1',
    data: { id, operation, transfer, payment, debit_account, reason, recorded_at: now },
  };
}

function sidesOf(book: Book, owner: Owner, data: { readonly debit_account: string; readonly credit_account: string }) {
  return { debit: book.account(owner, data.debit_account), credit: book.account(owner, data.credit_account) };
}

function kept(book: Book, owner: Owner, { hold, debit, credit }: HoldChanged): HoldState {
  book.change(owner, debit, credit);
  book.keepHold(owner, { ...hold, changedAt: book.now });
  return stateOf({ hold, debit, credit }, book.now);
}

function stateOf({ hold, debit, credit }: Omit<HoldChanged, 'kind'>, recorded_at: string): HoldState {
  return {
    ...holdFacts(hold),
    debit_account: snapshot(debit),
    credit_account: snapshot(credit),
    recorded_at,
  };
}

function holdFacts({ id, payment, status, amount, posted, asset, expiresAt, version, type }: Hold) {
  return {
    ...(type ? { type } : {}),
    id,
    payment,
    status,
    amount: formatAmount(amount),
    posted: formatAmount(posted),
    asset,
    expires_at: expiresAt,
    version,
  };
}
