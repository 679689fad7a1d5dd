import { statement, type Database } from '@payflow/database';

/** All that the gateway keeps of a test space beside what goes by its age. */
const TABLES = [
  'payment_operation_views',
  'payment_views',
  'dispute_views',
  'hold_views',
  'transfer_views',
  'transfer_group_views',
  'transfer_bulk_views',
  'account_views',
  'transaction_type_views',
  'limit_views',
  'risk_rule_views',
  'review_views',
  'unit_views',
] as const;

const TAKE = statement(
  'retired-spaces.take',
  `select space_id as space from retired_test_spaces
   where swept_at is null and retired_at < clock_timestamp() - $1 * interval '1 day' order by retired_at limit 1`,
);

const SWEPT = statement(
  'retired-spaces.swept',
  'update retired_test_spaces set swept_at = clock_timestamp() where space_id = $1',
);

// The array sub-select keeps the limit out of a join.
const REMOVALS = [
  ...TABLES.map((table) =>
    statement(
      `retired-spaces.remove-${table.replaceAll('_', '-')}`,
      `delete from ${table} where ctid = any (array (select ctid from ${table} where tenant_id = $1 and not livemode limit $2))`,
    ),
  ),
  // Those of ids that clients chose, which are kept for as long as somebody can name them. The first space has its organisation's
  // id: what that did since is not the space's.
  statement(
    'retired-spaces.remove-keys',
    `delete from idempotency_records where ctid = any (array (
       select r.ctid from idempotency_records r join retired_test_spaces s on s.space_id = r.tenant_id
       where r.tenant_id = $1 and not r.livemode and r.created_at < s.retired_at limit $2))`,
  ),
];

/**
 * Removes up to `limit` rows of the oldest space that was left behind more than `days` ago, and notes it when there are none left.
 * Returns how many.
 */
export async function removeRetired(db: Database, days: number, limit: number): Promise<number> {
  const [retired] = await db.rows<{ space: string }>(TAKE, [days]);
  if (!retired) return 0;
  let removed = 0;
  for (const removal of REMOVALS) {
    if (removed < limit) removed += await db.count(removal, [retired.space, limit - removed]);
  }
  if (removed < limit) await db.count(SWEPT, [retired.space]);
  return removed;
}
