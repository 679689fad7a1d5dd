import {
  GROUP_ACCOUNTS_MAX,
  type BalanceCondition,
  type GroupStop,
  GROUP_TYPES_MAX,
  LEGS_MAX,
  ID_PREFIXES,
  type KeptType,
  type Leg,
  type MessageData,
  type PostedLeg,
  type Refusal,
  type GroupPost,
  type TransferReverse,
} from '@payflow/contracts';
import { formatAmount, parseAmount, parseSignedAmount } from '@payflow/money';
import { counters, snapshot } from '../account.js';
import type { Asker, Book, Owner } from '../book.js';
import { refusalOfEffect } from '../period.js';
import { reverseTransfer, standsOtherwise } from '../reversal.js';
import {
  postGroup,
  type Condition,
  type GroupBooks,
  type GroupLeg,
  type GroupPosted,
  type GroupRefused,
} from '../group.js';
import { keepType, refusalOfRule } from './ruled.js';

export type Posted = { type: 'payflow.group.posted.v1'; data: MessageData['payflow.group.posted.v1'] };
export type Rejected = { type: 'payflow.group.rejected.v1'; data: MessageData['payflow.group.rejected.v1'] };

interface RefusedAt {
  readonly reason: Refusal;
  readonly leg: number | null;
  readonly skipped?: readonly string[];
  readonly payment?: string | undefined;
}

export function acceptGroup(book: Book, owner: Asker, data: GroupPost): Posted | Rejected {
  const barred = refusalOfEffect(data.effective_at, book.latestMonth(owner));
  if (barred) return refuseGroup(data.id, keyOf(data), { reason: barred, leg: null, payment: data.payment }, book.now);
  const stopsOnFirst = data.mode === 'stop_on_first';
  const broken = brokenRule(book, owner, data.legs);
  if (broken && !(stopsOnFirst && broken.leg))
    return refuseGroup(data.id, keyOf(data), withSkipped(data, broken), book.now);
  const terms = {
    // A leg that breaks its rule is where it stops.
    legs: data.legs.slice(0, broken?.leg ?? LEGS_MAX).map(toLeg),
    conditions: data.conditions.map(toCondition),
    effectiveAt: data.effective_at,
    stopsOnFirst: data.mode === 'stop_on_first',
    isLate: data.valid_until !== undefined && data.valid_until < book.clock,
  };
  const decision = postGroup(terms, booksOf(book, owner), { accounts_max: GROUP_ACCOUNTS_MAX }, book.now);
  if (decision.kind === 'refused') return refuseGroup(data.id, keyOf(data), withSkipped(data, decision), book.now);
  const stopped = decision.stopped ?? (broken && { reason: broken.reason, leg: broken.leg ?? 0 });
  const posted = keepGroup(book, owner, decision, data);
  if (isSingle(data)) tellFirst(book, owner, (data.legs[0] as Leg).id, data.metadata);
  const types = keepTypes(book, owner, data.legs.slice(0, decision.legs.length));
  return {
    ...posted,
    data: {
      ...posted.data,
      ...(types.length > 0 ? { types } : {}),
      ...(stopped ? { stopped: stopOf(data, stopped) } : {}),
    },
  };
}

/** The payment that it was asked for, and which legs are not tried where the first one stops them all. */
function withSkipped(data: GroupPost, refused: Omit<GroupRefused, 'kind'>): RefusedAt {
  const skipped = data.mode === 'stop_on_first' && refused.leg === 0 ? transfersFrom(data, 1) : [];
  return { ...refused, skipped, payment: data.payment };
}

/** What a group needs of the owner's books. */
export function booksOf(book: Book, owner: Owner): GroupBooks {
  return {
    account: (id) => book.account(owner, id),
    isTransferIdUsed: (id) => book.isTransferIdUsed(owner, id),
  };
}

/** Leaves a posted group in the book, and tells of it. */
export function keepGroup(
  book: Book,
  owner: Owner,
  { legs, accounts }: Pick<GroupPosted, 'legs' | 'accounts'>,
  { id: group, effective_at, metadata, payment }: Pick<GroupPost, 'id' | 'effective_at' | 'metadata' | 'payment'>,
): Posted {
  book.change(owner, ...accounts.values());
  for (const { id, debitAccount, creditAccount, amount, asset } of legs) {
    const movement = { debitAccount, creditAccount, amount, asset };
    const context = { payment: payment ?? null, group, hold: null, reverses: null, effectiveAt: effective_at };
    book.post({ ...movement, ...context, owner, id });
  }
  return {
    type: 'payflow.group.posted.v1',
    data: {
      id: group,
      reverses: null,
      legs: legs.map(postedLeg),
      accounts: [...accounts.values()].map(payment === undefined ? counters : snapshot),
      effective_at: effective_at ?? book.now,
      metadata,
      recorded_at: book.now,
      ...(payment === undefined ? {} : { payment }),
    },
  };
}

/** The first leg that names a type which is not there, or breaks its rule. */
function brokenRule(book: Book, owner: Owner, legs: readonly Leg[]): Omit<GroupRefused, 'kind'> | undefined {
  const names = new Set<string>();
  for (const [at, leg] of legs.entries()) {
    if (leg.type === undefined) continue;
    if (names.add(leg.type).size > GROUP_TYPES_MAX) return { reason: 'group_too_large', leg: null };
    const reason = refusalOfRule(book, owner, leg.type, leg);
    if (reason) return { reason, leg: at };
  }
  return undefined;
}

/** Keeps which types the posted legs kept to, and tells which leg kept to which. */
export function keepTypes(book: Book, owner: Owner, legs: readonly Pick<Leg, 'id' | 'type'>[]): KeptType[] {
  const kept = new Map<string, { readonly version: number; readonly legs: number[] }>();
  for (const [at, { id, type }] of legs.entries()) {
    const version = keepType(book, owner, id, type);
    if (type === undefined || version === undefined) continue;
    const places = kept.get(type);
    if (places) places.legs.push(at);
    else kept.set(type, { version, legs: [at] });
  }
  return [...kept].map(([type, places]) => ({ type, ...places }));
}

export function acceptReversal(book: Book, owner: Asker, data: TransferReverse): Posted | Rejected {
  const { id, transfer, original: of, debit_account: debitAccount, credit_account: creditAccount, metadata } = data;
  // From whom to whom it moves, and not as the original did.
  const moves = { debit_account: creditAccount, credit_account: debitAccount };
  const broken = data.type === undefined ? undefined : refusalOfRule(book, owner, data.type, moves);
  if (broken) return refuseGroup(id, debitAccount, { reason: broken, leg: null }, book.now);
  const original = book.original(owner, of);
  const amount = data.amount === null ? null : (parseAmount(data.amount) ?? 0n);
  const sides = { debit: book.account(owner, creditAccount), credit: book.account(owner, debitAccount) };
  const decision = book.isTransferIdUsed(owner, transfer)
    ? ({ kind: 'refused', reason: 'id_reused' } as const)
    : reverseTransfer(
        { debitAccount, creditAccount, amount, hasChanged: hasChanged(book, owner, data) },
        original,
        sides,
        book.now,
      );
  if (!original || decision.kind === 'refused') {
    const reason = decision.kind === 'refused' ? decision.reason : 'transfer_not_found';
    return refuseGroup(id, debitAccount, { reason, leg: null }, book.now);
  }
  const leg = {
    id: transfer,
    debitAccount: creditAccount,
    creditAccount: debitAccount,
    amount: decision.amount,
    asset: original.asset,
  };
  book.change(owner, decision.debit, decision.credit);
  book.post({ ...leg, owner, payment: null, group: id, hold: null, reverses: of, effectiveAt: null });
  book.keepReversed(owner, of, { ...original, reversed: decision.reversed });
  tellFirst(book, owner, transfer, metadata);
  const types = keepTypes(book, owner, [{ id: transfer, ...(data.type === undefined ? {} : { type: data.type }) }]);
  return {
    type: 'payflow.group.posted.v1',
    data: {
      ...(types.length > 0 ? { types } : {}),
      id,
      reverses: { transfer: of, reversed: formatAmount(decision.reversed) },
      legs: [postedLeg(leg)],
      accounts: [decision.debit, decision.credit].map(counters),
      effective_at: book.now,
      metadata,
      recorded_at: book.now,
    },
  };
}

/** Whether the original of a command that names how it must stand does not stand so any more. */
export function hasChanged(
  book: Book,
  owner: Asker,
  { original, if_standing: seen }: Pick<TransferReverse, 'original' | 'if_standing'>,
): boolean {
  const standing = seen && { version: seen.version, reversed: parseAmount(seen.reversed) ?? 0n };
  return standsOtherwise(standing, book.original(owner, original), book.booked(owner, original)?.version);
}

export function refuseGroup(
  id: string,
  debitAccount: string,
  { reason, leg, skipped = [], payment }: RefusedAt,
  now: string,
): Rejected {
  return {
    type: 'payflow.group.rejected.v1',
    data: {
      id,
      debit_account: debitAccount,
      reason,
      leg,
      recorded_at: now,
      ...(skipped.length > 0 ? { skipped } : {}),
      ...(payment === undefined ? {} : { payment }),
    },
  };
}

function stopOf(data: GroupPost, { leg, reason }: { readonly leg: number; readonly reason: Refusal }): GroupStop {
  return { leg, transfer: (data.legs[leg] as Leg).id, reason, skipped: transfersFrom(data, leg + 1) };
}

function transfersFrom({ legs }: GroupPost, leg: number): string[] {
  return legs.slice(leg).map(({ id }) => id);
}

/** The metadata with which a transfer begins, where there is any: nothing is written for the others. */
export function tellFirst(book: Book, asker: Asker, id: string, metadata: GroupPost['metadata']): void {
  if (Object.keys(metadata).length > 0) book.tell(asker, { of: 'transfer', id, version: 1, metadata });
}

/** A transfer that was asked for alone has the UUID of its group, and its metadata; otherwise the group has them. */
export function isSingle({ id, legs }: { readonly id: string; readonly legs: readonly Pick<Leg, 'id'>[] }): boolean {
  const [first, ...others] = legs;
  return first !== undefined && others.length === 0 && id.endsWith(first.id.slice(ID_PREFIXES.transfer.length));
}

function keyOf({ legs }: GroupPost): string {
  return (legs[0] as Leg).debit_account;
}

function toLeg({ id, debit_account, credit_account, amount, asset, up_to }: Leg): GroupLeg {
  return {
    id,
    debitAccount: debit_account,
    creditAccount: credit_account,
    amount: parseAmount(amount) ?? 0n,
    asset,
    upTo: up_to,
  };
}

/** A condition of a command as the domain knows it. */
export function toCondition({ account, version, balance_gte, balance_lte }: BalanceCondition): Condition {
  return {
    account,
    version,
    balanceGte: balance_gte === null ? null : (parseSignedAmount(balance_gte) ?? 0n),
    balanceLte: balance_lte === null ? null : (parseSignedAmount(balance_lte) ?? 0n),
  };
}

export function postedLeg({ id, debitAccount, creditAccount, amount, asset }: Omit<GroupLeg, 'upTo'>): PostedLeg {
  return {
    id,
    debit_account: debitAccount,
    credit_account: creditAccount,
    amount: formatAmount(amount),
    asset,
  };
}
