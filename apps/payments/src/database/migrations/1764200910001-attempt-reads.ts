import { IndexMigration } from '@payflow/database';

/**
 * What the API shows of attempts: what was said of one, in order, and those of an organisation that wait for a human. Concurrently:
 * locks nothing that anybody reads or writes.
 */
export class AttemptReads1764200910001 extends IndexMigration {
  override readonly indexes = [
    {
      name: 'provider_evidence_by_attempt',
      table: 'provider_evidence',
      definition: '(attempt_id, received_at) where attempt_id is not null',
    },
    {
      name: 'attempts_attention_by_owner',
      table: 'attempts',
      definition: '(tenant_id, livemode, created_at, id) where needs_attention = true',
    },
  ];
}
