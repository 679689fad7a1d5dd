import type { Transaction } from '@payflow/database';
import { insertAttempts, type AttemptOf } from '../database/attempt.repository.js';

/** What the worker has to do for the payments of a batch. */
export interface ProviderWork {
  /** To be asked for the first time. */
  readonly attempts: readonly AttemptOf[];
}

/** Hands work to the worker, in the transaction that decided on it. */
export async function askProviders(tx: Transaction, { attempts }: ProviderWork): Promise<void> {
  if (attempts.length > 0) await insertAttempts(tx, attempts);
}
