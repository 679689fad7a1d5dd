import { until } from '@payflow/testing';
import type { House } from '../house/house.js';
import type { SentPayment } from '../house/payments.js';
import { listed, type Finding } from './finding.js';
import { ledgerFindings } from './ledger-books.js';
import { messageFindings, type ForeignRecords } from './message-books.js';
import { paymentFindings } from './payment-books.js';

const SETTLED_WITHIN_MS = 60_000;

/** Everything that is not as it must be in a house that has come to rest. */
export async function findings(
  { databases }: House,
  sent: readonly SentPayment[],
  foreign: ForeignRecords = {},
): Promise<Finding[]> {
  const found = await Promise.all([
    ledgerFindings(databases),
    paymentFindings(databases, sent),
    messageFindings(databases, foreign),
  ]);
  return found.flat();
}

/**
 * Waits until the house has come to rest with its books in order: every acknowledged payment ended as its client was told
 * and booked once or not at all, views as their owners say, everything sent received once. Throws with what is wrong else.
 */
export async function expectBooksInOrder(
  house: House,
  sent: readonly SentPayment[],
  foreign: ForeignRecords = {},
  within_ms = SETTLED_WITHIN_MS,
): Promise<void> {
  let last: readonly Finding[] = [];
  try {
    await until(
      'the books are in order',
      async () => {
        last = await findings(house, sent, foreign);
        return last.length === 0;
      },
      within_ms,
    );
  } catch (error) {
    const told =
      last.length > 0
        ? new Error(`the books are not in order after ${within_ms} ms: ${listed(last)}`, { cause: error })
        : error;
    throw house.failed(told);
  }
}
