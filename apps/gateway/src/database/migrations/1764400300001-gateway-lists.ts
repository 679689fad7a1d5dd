import { IndexMigration } from '@payflow/database';

/**
 * Lists of accounts, and the filters that payments and holds lacked. Made concurrently: nobody waits. The accounts' unique paths are
 * indexed so that all below a path is one range of it. Payments without customer or metadata are in neither of theirs.
 */
export class GatewayLists1764400300001 extends IndexMigration {
  readonly name = 'GatewayLists1764400300001';
  override readonly indexes = [
    { name: 'account_views_by_time', table: 'account_views', definition: '(tenant_id, livemode, created_at, id)' },
    {
      name: 'account_views_by_path',
      table: 'account_views',
      isUnique: true,
      definition: '(tenant_id, livemode, path text_pattern_ops) where path is not null',
    },
    {
      name: 'account_views_by_metadata',
      table: 'account_views',
      definition: `using gin ((metadata::jsonb) jsonb_path_ops) where metadata::text <> '{}'`,
    },
    {
      name: 'payment_views_by_customer',
      table: 'payment_views',
      definition: '(tenant_id, livemode, customer_id, created_at, id) where customer_id is not null',
    },
    {
      name: 'payment_views_by_metadata',
      table: 'payment_views',
      definition: `using gin ((metadata::jsonb) jsonb_path_ops) where metadata::text <> '{}'`,
    },
    {
      name: 'hold_views_by_payment',
      table: 'hold_views',
      definition: '(tenant_id, livemode, payment_id, created_at, id) where payment_id is not null',
    },
  ];
  override readonly dropped = ['account_views_path'];
}
