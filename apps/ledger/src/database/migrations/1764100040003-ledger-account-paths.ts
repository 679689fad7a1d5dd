import { IndexMigration } from '@payflow/database';

/**
 * One index where there were two: ordered by bytes it finds a subtree, and equality is equality in any order. Concurrently:
 * locks nothing that anybody reads or writes.
 */
export class LedgerAccountPaths1764100040003 extends IndexMigration {
  override readonly indexes = [
    {
      name: 'accounts_one_per_path',
      table: 'accounts',
      isUnique: true,
      definition: '(tenant_id, livemode, path text_pattern_ops) where path is not null',
    },
  ];
  override readonly dropped = ['accounts_path', 'accounts_by_path'];
}
