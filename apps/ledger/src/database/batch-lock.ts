import { statement } from '@payflow/database';

const KEY = (xact: string) => `hashtext('payflow/ledger/batch'), (${xact} & 2147483647)::integer`;

/**
 * SQL, and a text of nothing: a transaction whose results are told holds a lock that bears its id, so that others can wait for its
 * end on the server. It goes with what the transaction begins with, for nothing may be told of it before.
 */
export const OWN_LOCK = `pg_advisory_xact_lock(${KEY('pg_current_xact_id()::text::bigint')})::text`;

/** Waits for the transactions to end. What follows sees what they committed. */
export const AWAIT = statement(
  'ledger.await-told',
  `select pg_advisory_xact_lock_shared(${KEY('xact')}) from unnest($1::bigint[]) as xact`,
);
