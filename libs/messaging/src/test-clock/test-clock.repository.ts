import { uuidOf, type TestClock } from '@payflow/contracts';
import { statement, type Rights, type Transaction } from '@payflow/database';

// The greater version wins, in whichever order they come. All of a space come over one partition, so nobody else moves it now.
const MOVE = statement(
  'test-clocks.move',
  `with given as (
     select * from unnest($1::uuid[], $2::bigint[], $3::bigint[]) as g (tenant_id, ahead_ms, version)),
   before as (
     select tenant_id, heard from test_clocks where tenant_id in (select tenant_id from given)),
   moved as (
     insert into test_clocks as c (tenant_id, ahead_ms, version, heard)
     select distinct on (tenant_id) tenant_id, ahead_ms, version,
       (select range_agg(int8range(a.version, a.version + 1)) from given a where a.tenant_id = g.tenant_id)
     from given g order by tenant_id, version desc
     on conflict (tenant_id) do update set heard = c.heard + excluded.heard, version = greatest(c.version, excluded.version),
       ahead_ms = case when c.version < excluded.version then excluded.ahead_ms else c.ahead_ms end,
       moved_at = case when c.version < excluded.version then clock_timestamp() else c.moved_at end)
   select tenant_id, version from given g
   where not exists (select from before b where b.tenant_id = g.tenant_id and b.heard @> g.version)`,
);

/** What a service that keeps test clocks changes in them. */
export const TEST_CLOCK_RIGHTS: Rights = {
  test_clocks: { update: ['ahead_ms', 'version', 'heard', 'moved_at'] },
};

/**
 * SQL for how far the clock of a row's owner is ahead, in ms: 0 for whoever has not travelled, and null, without a look, for what
 * is live.
 */
export function aheadOf({ tenant, livemode }: { readonly tenant: string; readonly livemode: string }): string {
  return `case when ${livemode} then null
     else coalesce((select clock.ahead_ms from test_clocks clock where clock.tenant_id = ${tenant}), 0) end`;
}

/** Moves the clocks. Returns the moves that were not heard of before, as `<uuid>/<version>`. */
export async function moveClocks(tx: Transaction, clocks: readonly TestClock[]): Promise<ReadonlySet<string>> {
  const rows = await tx.rows<{ tenant_id: string; version: bigint }>(MOVE, [
    clocks.map(({ id }) => uuidOf('tenant', id)),
    clocks.map(({ ahead_ms }) => ahead_ms),
    clocks.map(({ version }) => version),
  ]);
  return new Set(rows.map((row) => `${row.tenant_id}/${row.version}`));
}
