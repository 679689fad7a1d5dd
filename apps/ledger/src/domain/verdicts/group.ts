import {
  GROUP_ACCOUNTS_MAX,
  type GroupStop,
  ID_PREFIXES,
  type Leg,
  type MessageData,
  type PostedLeg,
  type Refusal,
  type GroupPost,
  type TransferReverse,
} from '@payflow/contracts';
import { formatAmount, parseAmount, parseSignedAmount } from '@payflow/money';
import { counters } from '../account.js';
import type { Asker, Book } from '../book.js';
import { reverseTransfer } from '../reversal.js';
import { postGroup, type Condition, type GroupLeg } from '../group.js';

type Posted = { type: 'payflow.group.posted.v1'; data: MessageData['payflow.group.posted.v1'] };
type Rejected = { type: 'payflow.group.rejected.v1'; data: MessageData['payflow.group.rejected.v1'] };

interface RefusedAt {
  readonly reason: Refusal;
  readonly leg: number | null;
  readonly skipped?: readonly string[];
}

export function acceptGroup(book: Book, owner: Asker, data: GroupPost): Posted | Rejected {
  const terms = {
    legs: data.legs.map(toLeg),
    conditions: data.conditions.map(toCondition),
    effectiveAt: data.effective_at,
    stopsOnFirst: data.mode === 'stop_on_first',
  };
  const books = {
    account: (id: string) => book.account(owner, id),
    isTransferIdUsed: (id: string) => book.isTransferIdUsed(owner, id),
  };
  const decision = postGroup(terms, books, { accounts_max: GROUP_ACCOUNTS_MAX }, book.now);
  if (decision.kind === 'refused') {
    const skipped = terms.stopsOnFirst && decision.leg === 0 ? transfersFrom(data, 1) : [];
    return refuseGroup(data.id, keyOf(data), { ...decision, skipped }, book.now);
  }
  book.change(owner, ...decision.accounts.values());
  for (const { id, debitAccount, creditAccount, amount, asset } of decision.legs) {
    const movement = { debitAccount, creditAccount, amount, asset };
    const context = { payment: null, group: data.id, hold: null, reverses: null, effectiveAt: data.effective_at };
    book.post({ ...movement, ...context, owner, id });
  }
  if (isSingle(data)) tellFirst(book, owner, (data.legs[0] as Leg).id, data.metadata);
  return {
    type: 'payflow.group.posted.v1',
    data: {
      id: data.id,
      reverses: null,
      legs: decision.legs.map(postedLeg),
      accounts: [...decision.accounts.values()].map(counters),
      effective_at: data.effective_at ?? book.now,
      metadata: data.metadata,
      recorded_at: book.now,
      ...(decision.stopped ? { stopped: stopOf(data, decision.stopped) } : {}),
    },
  };
}

export function acceptReversal(book: Book, owner: Asker, data: TransferReverse): Posted | Rejected {
  const { id, transfer, original: of, debit_account: debitAccount, credit_account: creditAccount, metadata } = data;
  const original = book.original(owner, of);
  const amount = data.amount === null ? null : (parseAmount(data.amount) ?? 0n);
  const sides = { debit: book.account(owner, creditAccount), credit: book.account(owner, debitAccount) };
  const decision = book.isTransferIdUsed(owner, transfer)
    ? ({ kind: 'refused', reason: 'id_reused' } as const)
    : reverseTransfer({ debitAccount, creditAccount, amount }, original, sides, book.now);
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
  return {
    type: 'payflow.group.posted.v1',
    data: {
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

export function refuseGroup(
  id: string,
  debitAccount: string,
  { reason, leg, skipped = [] }: RefusedAt,
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
function isSingle({ id, legs }: GroupPost): boolean {
  return legs.length === 1 && id.endsWith((legs[0] as Leg).id.slice(ID_PREFIXES.transfer.length));
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

function toCondition({ account, version, balance_gte, balance_lte }: GroupPost['conditions'][number]): Condition {
  return {
    account,
    version,
    balanceGte: balance_gte === null ? null : (parseSignedAmount(balance_gte) ?? 0n),
    balanceLte: balance_lte === null ? null : (parseSignedAmount(balance_lte) ?? 0n),
  };
}

function postedLeg({ id, debitAccount, creditAccount, amount, asset }: Omit<GroupLeg, 'upTo'>): PostedLeg {
  return {
    id,
    debit_account: debitAccount,
    credit_account: creditAccount,
    amount: formatAmount(amount),
    asset,
  };
}
