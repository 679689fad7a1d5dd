import type { Transaction } from '@payflow/database';
import { enqueue } from '@payflow/jobs';
import type { NewAttempt } from './attempt.js';
import { insertAttempts, openAttemptsOf, type OpenAttempt, type PaymentKey } from './attempt.repository.js';
import { askingOf, inquiryOf } from './provider-jobs.js';

/**
 * Writes down what providers are to be asked, and has it asked once the transaction has committed; `open`: of these, which were
 * sent before, it is asked at once how they ended. Two statements for any number.
 */
export async function askProviders(
  tx: Transaction,
  attempts: readonly NewAttempt[],
  open: readonly OpenAttempt[] = [],
): Promise<void> {
  if (attempts.length + open.length === 0) return;
  // Sent without waiting for each other: they go out in one packet.
  await Promise.all([
    insertAttempts(
      tx,
      attempts.map((attempt) => ({ ...attempt, number: 1 })),
    ),
    enqueue(tx, [...attempts.map(askingOf), ...open.map((attempt) => inquiryOf(attempt, 0))]),
  ]);
}

/**
 * Has providers asked at once how everything ended that they were asked for these payments and whose end is not known: before
 * anything else is asked for them, when a notice came, when the customer says that they have acted. Two statements for any number.
 */
export async function inquireNow(tx: Transaction, payments: readonly PaymentKey[]): Promise<void> {
  if (payments.length === 0) return;
  const open = await openAttemptsOf(tx, payments);
  await enqueue(
    tx,
    open.map((attempt) => inquiryOf(attempt, 0)),
  );
}
