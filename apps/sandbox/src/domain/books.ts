import { NOTHING, OVERCAPTURE_PERCENT, addSums, kept, type Authorization, type Sums } from './authorization.js';
import type { Operation } from './operation.js';

/** What moved in one currency. */
export interface Page extends Sums {
  /** How many authorizations were granted. */
  readonly authorizations: number;
}

export type Books = ReadonlyMap<string, Page>;

const EMPTY: Page = { ...NOTHING, authorizations: 0 };

/** Books with one operation more; those that were given stay as they are. */
export function booked(books: Books, operation: Operation): Books {
  const page = books.get(operation.currency) ?? EMPTY;
  const isGranted = operation.type !== 'increment' && operation.moved.authorized > 0n;
  const next = { ...addSums(page, operation.moved), authorizations: page.authorizations + (isGranted ? 1 : 0) };
  return new Map(books).set(operation.currency, next);
}

/** The books as the operations alone make them. */
export function booksOf(operations: Iterable<Operation>): Books {
  let books: Books = new Map();
  for (const operation of operations) books = booked(books, operation);
  return books;
}

export function net(page: Page): bigint {
  return kept(page);
}

/** What is wrong with the books, in words; nothing when they add up. */
export function audit(
  books: Books,
  operations: readonly Operation[],
  authorizations: readonly Authorization[],
): string[] {
  return [
    ...differences('the running books and the operations', books, booksOf(operations)),
    ...differences('the running books and the authorizations', books, sumsByCurrency(authorizations)),
    ...authorizations.flatMap(excesses),
  ];
}

const COLUMNS = ['authorized', 'captured', 'refunded', 'disputed', 'disputeReversed'] as const;

function differences(what: string, left: Books, right: ReadonlyMap<string, Sums>): string[] {
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((currency) => {
    const [one, other] = [left.get(currency) ?? NOTHING, right.get(currency) ?? NOTHING];
    return COLUMNS.filter((column) => one[column] !== other[column]).map(
      (column) => `${what} differ in ${currency} ${column}: ${one[column]} and ${other[column]}`,
    );
  });
}

function sumsByCurrency(authorizations: readonly Authorization[]): Map<string, Sums> {
  const sums = new Map<string, Sums>();
  for (const { currency, sums: its } of authorizations) sums.set(currency, addSums(sums.get(currency) ?? NOTHING, its));
  return sums;
}

function excesses({ id, sums }: Authorization): string[] {
  const { authorized, captured } = sums;
  return [
    ...(captured * 100n > authorized * (100n + OVERCAPTURE_PERCENT) ? [`${id} captured more than it may`] : []),
    ...(kept(sums) < 0n ? [`${id} gave back more than it captured`] : []),
    ...(sums.disputeReversed > sums.disputed ? [`${id} won more than was disputed`] : []),
  ];
}

/** Merchant references that hold more than one grant that stands: each is a customer who was charged twice. */
export function doubleCharges(authorizations: readonly Authorization[]): string[] {
  const counts = new Map<string, number>();
  for (const { merchantReference, sums, isVoided } of authorizations) {
    // What was given back, or never captured and voided, charges nobody.
    const charges = kept(sums) > 0n || (sums.authorized > 0n && sums.captured === 0n && !isVoided);
    if (charges) counts.set(merchantReference, (counts.get(merchantReference) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > 1).map(([reference]) => reference);
}

/** What is still set aside for one merchant reference, in one currency. */
export interface Standing {
  readonly merchantReference: string;
  readonly currency: string;
  readonly amount: bigint;
}

/** What of the authorizations is neither captured nor given back, and not over: the customers' banks keep it from them. */
export function standingOf(authorizations: Iterable<Authorization>, now: number): Standing[] {
  const sums = new Map<string, Standing>();
  for (const { merchantReference, currency, sums: its, isVoided, isClosed, expiresAt } of authorizations) {
    const left = its.authorized - its.captured;
    if (isVoided || isClosed || now >= expiresAt || left <= 0n) continue;
    const key = `${merchantReference} ${currency}`;
    sums.set(key, { merchantReference, currency, amount: left + (sums.get(key)?.amount ?? 0n) });
  }
  return [...sums.values()];
}
