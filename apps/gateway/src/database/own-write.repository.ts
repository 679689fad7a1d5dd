import { statement, type Transaction } from '@payflow/database';
import { idempotencyKeyOf } from './acceptance.repository.js';
import type { Owner } from './keys.js';

// Let go by the server itself at the transaction's end, however that comes. Two keys with one hash are told to come back: no harm.
const LOCK = statement('own-writes.lock', `select pg_try_advisory_xact_lock(hashtextextended($1, 4)) as is_ours`);

/** Takes an Idempotency-Key for this transaction. False while another transaction has it. */
export async function lockKey(tx: Transaction, write: Owner & { readonly idempotencyKey: string }): Promise<boolean> {
  const [row] = await tx.rows<{ is_ours: boolean }>(LOCK, [idempotencyKeyOf(write)]);
  return row?.is_ours === true;
}
