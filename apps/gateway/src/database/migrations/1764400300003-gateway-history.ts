import { SqlMigration } from '@payflow/database';

/**
 * Whose account a refund is of, so that it is found in that account's history by an index. The columns are of the catalogue alone; what
 * is there is filled in from its payments, about ten seconds per million refunds and captures, and only the rows themselves are locked.
 */
export class GatewayHistory1764400300003 extends SqlMigration {
  readonly sql = `
alter table payment_operation_views add column source_account_id uuid, add column destination_account_id uuid;
update payment_operation_views o set source_account_id = p.source_account_id, destination_account_id = p.destination_account_id
from payment_views p where p.tenant_id = o.tenant_id and p.livemode = o.livemode and p.id = o.payment_id;
`;
}
