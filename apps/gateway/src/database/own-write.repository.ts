import { statement, type Transaction } from '@payflow/database';
import type { Reply } from '../acceptance/acceptable.js';
import { idempotencyKeyOf } from './acceptance.repository.js';
import { tenantUuid, type Owner } from './keys.js';

type OwnKey = Owner & { readonly idempotencyKey: string };

// Let go by the server itself at the transaction's end, however that comes. Two keys with one hash are told to come back: no harm.
const LOCK = statement('own-writes.lock', `select pg_try_advisory_xact_lock(hashtextextended($1, 4)) as is_ours`);

const SAVE = statement(
  'own-writes.save-reply',
  `update idempotency_records set reply_status = $4, reply_headers = $5, reply_body = $6
   where tenant_id = $1 and livemode = $2 and idempotency_key = $3`,
);

/** Takes an Idempotency-Key for this transaction. False while another transaction has it. */
export async function lockKey(tx: Transaction, write: OwnKey): Promise<boolean> {
  const [row] = await tx.rows<{ is_ours: boolean }>(LOCK, [idempotencyKeyOf(write)]);
  return row?.is_ours === true;
}

/** Keeps the answer to the write that has taken its key in this transaction, with COMMIT. */
export function saveReply(
  tx: Transaction,
  { tenant, livemode, idempotencyKey }: OwnKey,
  { status, headers, body }: Reply,
): void {
  tx.atCommit(SAVE, [tenantUuid(tenant), livemode, idempotencyKey, status, JSON.stringify(headers), body]);
}
