import { SqlMigration } from '@payflow/database';

/** What the worker looks up of each attempt: what a webhook has said of it. Locks the evidence against writes while it is built. */
export class EvidenceOfWebhooks1764200920001 extends SqlMigration {
  readonly sql = `
create index provider_evidence_of_webhooks on provider_evidence (tenant_id, livemode, attempt_id) where source = 'webhook';
`;
}
