import { IndexMigration } from '@payflow/database';

const byAccount = (table: string, side: 'source' | 'destination', where = '') => ({
  name: `${table}_by_${side}`,
  table,
  definition: `(tenant_id, livemode, ${side}_account_id, created_at, id)${where}`,
});

/** The history of an account, and the search for what a provider calls a dispute. Made concurrently: nobody waits. */
export class GatewayHistoryIndexes1764400300004 extends IndexMigration {
  readonly name = 'GatewayHistoryIndexes1764400300004';
  override readonly indexes = [
    byAccount('payment_operation_views', 'source', ` where kind = 'refund'`),
    byAccount('payment_operation_views', 'destination', ` where kind = 'refund'`),
    byAccount('dispute_views', 'source'),
    byAccount('dispute_views', 'destination'),
    {
      name: 'dispute_views_by_reference',
      table: 'dispute_views',
      definition: '(tenant_id, livemode, provider_reference, created_at)',
    },
  ];
}
