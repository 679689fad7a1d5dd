import type { Service } from '@payflow/contracts';
import type { Databases } from '../house/databases.js';

/** What a message that comes again must leave exactly as it is, down to the transaction that wrote it. */
const CONTENT: readonly (readonly [service: Service, what: string, rows: string])[] = [
  [
    'ledger',
    'transfers',
    'select id, debit_account_id, credit_account_id, amount_minor, asset, payment_id, recorded_at, xact_id from transfers',
  ],
  [
    'ledger',
    'accounts',
    'select id, posted_debits, posted_credits, pending_debits, pending_credits, version, last_recorded_at from accounts',
  ],
  [
    'ledger',
    'verdicts',
    'select kind, id, content_hash, command_id, event_id, event_type, event_data, xact_id from verdicts',
  ],
  [
    'payments',
    'payments',
    'select id, status, version, failure_code, verdict_event_id, ledger_command_id, xact_id from payments',
  ],
  ['gateway', 'payment views', 'select id, status, version, failure_code, updated_at from payment_views'],
  [
    'gateway',
    'account views',
    'select id, status, version, posted_debits_minor, posted_credits_minor from account_views',
  ],
  [
    'gateway',
    'replies',
    'select idempotency_key, reply_status, reply_headers::text, reply_body, xact_id from idempotency_records',
  ],
  [
    'archiver',
    'archive',
    // The ledger seals its log each minute, whatever comes again.
    `select event_id, topic, type, subject, data::text, archived_at, xact_id from archived_events where type <> 'payflow.ledger.sealed.v1'`,
  ],
];

/** One line per table; equal texts mean equal rows. */
export async function digest(databases: Databases): Promise<string[]> {
  return Promise.all(
    CONTENT.map(async ([service, what, rows]) => {
      const [row] = await databases.rows<{ count: string; hash: string | null }>(
        service,
        `select count(*) as count, md5(string_agg(r::text, '|' order by r::text)) as hash from (${rows}) as r`,
      );
      return `${what}: ${row?.count} rows, ${row?.hash}`;
    }),
  );
}
