import { SqlMigration } from '@payflow/database';

/**
 * Writes that end at the gateway take Idempotency-Keys as well. The new check holds of every row that the old one let in, so none
 * is read: the table is locked for the time of two changes of the catalogue.
 */
export class GatewayOwnWrites1764400100001 extends SqlMigration {
  readonly sql = `
alter table idempotency_records drop constraint idempotency_records_resource_kind_check;
alter table idempotency_records add constraint idempotency_records_resource_kind_check
  check (resource_kind in ('payment', 'account', 'transfer', 'group', 'hold', 'change', 'bulk', 'payment_bulk',
    'confirmation', 'increment', 'capture', 'cancellation', 'refund', 'own')) not valid;
`;
}
