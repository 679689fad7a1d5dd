import { uuidOf } from '@payflow/contracts';
import { statement, Unnested, type Transaction } from '@payflow/database';
import type { Attempt } from '../domain/life.js';
import type { Payment } from '../domain/payment.js';

/** What is to be asked of a provider for a payment. */
export interface AttemptOf {
  readonly payment: Payment;
  readonly attempt: Attempt;
}

const NEW = new Unnested<AttemptOf>([
  ['tenant_id', 'uuid', ({ payment }) => uuidOf('tenant', payment.tenant)],
  ['livemode', 'boolean', ({ payment }) => payment.livemode],
  ['id', 'uuid', ({ attempt }) => uuidOf('attempt', attempt.id)],
  ['payment_id', 'uuid', ({ payment }) => uuidOf('payment', payment.id)],
  ['operation_id', 'uuid', ({ attempt }) => attempt.operation],
  ['action', 'text', ({ attempt }) => attempt.action],
  ['amount_minor', 'bigint', ({ attempt }) => attempt.amount],
  ['asset', 'text', ({ payment }) => payment.asset],
  ['request', 'json', ({ attempt }) => JSON.stringify(attempt.request)],
  ['connector', 'text', ({ attempt }) => attempt.connector],
]);

const INSERT = statement('attempts.insert', `insert into attempts (${NEW.names}) select * from ${NEW.from()}`);

/** Notes what is to be asked of providers. From here on the worker alone moves it. */
export async function insertAttempts(tx: Transaction, attempts: readonly AttemptOf[]): Promise<void> {
  for (const values of NEW.batches(attempts)) await tx.count(INSERT, values);
}
