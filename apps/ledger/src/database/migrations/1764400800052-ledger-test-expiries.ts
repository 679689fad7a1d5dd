import { IndexMigration } from '@payflow/database';

/** Holds of a test space by when they end, for a clock that is ahead. Concurrently: locks nothing that anybody reads or writes. */
export class LedgerTestExpiries1764400800052 extends IndexMigration {
  override readonly indexes = [
    {
      name: 'holds_of_test_by_expiry',
      table: 'holds',
      definition: `(tenant_id, expires_at) where status = 'pending' and expires_at is not null and not livemode`,
    },
  ];
}
