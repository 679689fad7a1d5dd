import { IndexMigration } from '@payflow/database';

const byTransfer = (column: string) => ({
  name: `dispute_views_by_${column}`,
  table: 'dispute_views',
  definition: `(tenant_id, livemode, ${column}) where ${column} is not null`,
});

/** The dispute by what it moved, and by what came back of it. */
export class GatewayDisputedTransfers1764700000003 extends IndexMigration {
  readonly name = 'GatewayDisputedTransfers1764700000003';
  override readonly indexes = [byTransfer('transfer_id'), byTransfer('return_transfer_id')];
}
