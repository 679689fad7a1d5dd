import { SqlMigration } from '@payflow/database';

/**
 * What the worker needs to know of attempts beside what they are: since when an outcome is unknown, and where it belongs in the
 * trace. The tables are empty still, or nearly so: columns without defaults, two small indexes and one look for the new check.
 */
export class AttemptsInWork1764200500003 extends SqlMigration {
  readonly sql = `
alter table attempts
  add column unknown_at timestamptz,
  -- Of the message that asked for it.
  add column correlation_id uuid,
  add column traceparent text;

-- What has not ended, found by its age, and by its payment.
create index attempts_open on attempts (updated_at) where status in ('created', 'sending', 'unknown') and not needs_attention;
create index attempts_open_by_payment on attempts (tenant_id, livemode, payment_id)
  where status in ('created', 'sending', 'unknown', 'requires_action');
create index attempts_attention on attempts (updated_at) where needs_attention = true;

-- A human's word is kept as evidence too.
alter table provider_evidence drop constraint provider_evidence_source_check,
  add constraint provider_evidence_source_check check (source in ('answer', 'inquiry', 'webhook', 'operator'));
`;
}
