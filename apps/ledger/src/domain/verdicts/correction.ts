import type { MessageData, TransferCorrect } from '@payflow/contracts';
import { formatAmount, parseAmount } from '@payflow/money';
import { counters } from '../account.js';
import type { Asker, Book } from '../book.js';
import { correctTransfer, type CorrectionTerms, type Dated } from '../correction.js';
import type { Original } from '../reversal.js';
import { hasChanged, keepTypes, postedLeg, refuseGroup, tellFirst } from './group.js';
import { refusalOfRule } from './ruled.js';

type Replacement = TransferCorrect['replacement'];
type Posted = { type: 'payflow.group.posted.v1'; data: MessageData['payflow.group.posted.v1'] };
type Rejected = { type: 'payflow.group.rejected.v1'; data: MessageData['payflow.group.rejected.v1'] };

/** A group of two: the first leg moves the original back, the second stands in its place. */
export function acceptCorrection(book: Book, owner: Asker, data: TransferCorrect): Posted | Rejected {
  const { id, original: of, reversal, replacement, metadata } = data;
  const { debit_account: debitAccount, credit_account: creditAccount, effective_at: effectiveAt } = data;
  const broken = replacement.type === undefined ? undefined : refusalOfRule(book, owner, replacement.type, replacement);
  if (broken) return refuseGroup(id, debitAccount, { reason: broken, leg: 1 }, book.now);
  const original = book.original(owner, of);
  const terms = {
    debitAccount,
    creditAccount,
    replacement: termsOf(replacement),
    effectiveAt,
    latestMonth: book.latestMonth(owner),
    hasChanged: hasChanged(book, owner, data),
  };
  const books = { account: (account: string) => book.account(owner, account) };
  const isUsed = [reversal, replacement.id].some((transfer) => book.isTransferIdUsed(owner, transfer));
  const decision = isUsed
    ? ({ kind: 'refused', reason: 'id_reused', leg: null } as const)
    : correctTransfer(terms, original, books, book.now);
  if (decision.kind === 'refused') return refuseGroup(id, debitAccount, decision, book.now);
  const context = { owner, payment: null, group: id, hold: null };
  book.change(owner, ...decision.accounts.values());
  book.post({ ...decision.reversal, ...context, id: reversal, reverses: of });
  book.post({ ...decision.replacement, ...context, id: replacement.id, reverses: null });
  const corrected = { ...(original as Original), reversed: (original as Original).amount, correctedBy: replacement.id };
  book.keepReversed(owner, of, corrected);
  tellFirst(book, owner, replacement.id, metadata);
  const types = keepTypes(book, owner, [{ id: reversal }, replacement]);
  return {
    type: 'payflow.group.posted.v1',
    data: {
      ...(types.length > 0 ? { types } : {}),
      id,
      reverses: { transfer: of, reversed: formatAmount(corrected.reversed) },
      corrects: of,
      legs: [legOf(reversal, decision.reversal), legOf(replacement.id, decision.replacement)],
      accounts: [...decision.accounts.values()].map(counters),
      effective_at: decision.replacement.effectiveAt,
      metadata,
      recorded_at: book.now,
    },
  };
}

function termsOf({ debit_account, credit_account, amount, asset }: Replacement): CorrectionTerms['replacement'] {
  const minor = amount === null ? null : (parseAmount(amount) ?? 0n);
  return { debitAccount: debit_account, creditAccount: credit_account, amount: minor, asset };
}

function legOf(id: string, { effectiveAt, ...movement }: Dated) {
  return { ...postedLeg({ ...movement, id }), effective_at: effectiveAt };
}
