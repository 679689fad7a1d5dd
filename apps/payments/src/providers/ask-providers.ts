import type { Transaction } from '@payflow/database';
import { enqueue } from '@payflow/jobs';
import type { NewAttempt } from './attempt.js';
import { insertAttempts, type OpenAttempt } from './attempt.repository.js';
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
    enqueue(tx, [...attempts.map((attempt) => askingOf(attempt)), ...open.map((attempt) => inquiryOf(attempt, 0))]),
  ]);
}
