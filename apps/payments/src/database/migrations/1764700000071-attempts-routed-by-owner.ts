import { IndexMigration } from '@payflow/database';

/**
 * The success of connectors is counted for each organisation and mode by itself: by an index that begins with them, and with nothing
 * of others between. Concurrently: locks nothing that anybody reads or writes. Processes of the version before count without an
 * index until they are gone.
 */
export class AttemptsRoutedByOwner1764700000071 extends IndexMigration {
  override readonly indexes = [
    {
      name: 'attempts_routed_by_owner',
      table: 'attempts',
      definition: "(tenant_id, livemode, created_at) where action in ('authorize', 'sale')",
    },
  ];
  override readonly dropped = ['attempts_routed'];
}
