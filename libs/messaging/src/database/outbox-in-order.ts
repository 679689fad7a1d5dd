import { IndexMigration } from '@payflow/database';

/**
 * What is unpublished, in the order in which the relay takes it: by when its claim runs out, each claim of fifty rows read and
 * sorted all that waited. Made concurrently: nobody waits.
 */
export class OutboxInOrder1764700000101 extends IndexMigration {
  readonly name = 'OutboxInOrder1764700000101';
  override readonly indexes = [
    { name: 'outbox_in_order', table: 'outbox', definition: '(created_at, id) where published_at is null' },
  ];
  override readonly dropped = ['outbox_unpublished'];
}
