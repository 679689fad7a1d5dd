import { PARTITION_UPKEEP, SqlMigration } from '@payflow/database';

/**
 * Partitions are made and retired in short steps, in UTC, by one process at a time. Changes functions and one small table;
 * locks nothing that anybody writes to.
 */
export class MessagingPartitions1764100040001 extends SqlMigration {
  readonly sql = `
${PARTITION_UPKEEP}
-- The outbox outlives the topics (7 days) by one day, and a row that was not sent outlives that.
update maintained_partitions set kept = '8 days', kept_while = 'published_at is null' where table_name = 'outbox';
drop function drop_outbox_before(timestamptz);
`;
}
