import { statement } from '@payflow/database';
import { foundAll, type Part } from '@payflow/invariants';

/** Each stands for some hundred transfers. */
const PAGE_SNAPSHOTS = 2_000;

const NOBODY = '00000000-0000-0000-0000-000000000000';

const between = (side: string) => `
  select coalesce(sum(amount_minor), 0)::text from transfers t
  where t.tenant_id = s.tenant_id and t.livemode = s.livemode and t.${side} = s.account_id and t.recorded_at <= s.recorded_at
    and t.recorded_at > coalesce(before.recorded_at, '-infinity')`;

// An account's index over time leads from one snapshot to the next.
const PAGE = statement(
  'snapshots.page',
  `select s.tenant_id, s.livemode, s.account_id, s.recorded_at::text, s.posted_debits::text as debits, s.posted_credits::text as credits,
     before.recorded_at is null as is_first, (${between('debit_account_id')}) as moved_debits, (${between('credit_account_id')}) as moved_credits
   from (
     select * from balance_snapshots
     where (tenant_id, livemode, account_id, recorded_at) > ($1::uuid, $2::boolean, $3::uuid, $4::timestamptz)
     order by tenant_id, livemode, account_id, recorded_at limit ${PAGE_SNAPSHOTS}) as s
   left join lateral (
     select b.recorded_at from balance_snapshots b
     where b.tenant_id = s.tenant_id and b.livemode = s.livemode and b.account_id = s.account_id and b.recorded_at < s.recorded_at
     order by b.recorded_at desc limit 1) as before on true
   order by s.tenant_id, s.livemode, s.account_id, s.recorded_at`,
);

interface SnapshotRow extends Record<string, unknown> {
  readonly tenant_id: string;
  readonly livemode: boolean;
  readonly account_id: string;
  readonly recorded_at: string;
  readonly debits: string;
  readonly credits: string;
  readonly is_first: boolean;
  readonly moved_debits: string;
  readonly moved_credits: string;
}

/** Snapshots that are not what the transfers up to their instant come to: added up from one to the next, whatever those say. */
export const wrongSnapshots: Part = async (db) => {
  const wrong: string[] = [];
  let [debits, credits] = [0n, 0n];
  for (let after: unknown[] = [NOBODY, false, NOBODY, '-infinity']; ;) {
    const page: SnapshotRow[] = await db.rows<SnapshotRow>(PAGE, after);
    for (const row of page) {
      debits = (row.is_first ? 0n : debits) + BigInt(row.moved_debits);
      credits = (row.is_first ? 0n : credits) + BigInt(row.moved_credits);
      if (debits !== BigInt(row.debits) || credits !== BigInt(row.credits))
        wrong.push(`balance_snapshots/${row.account_id}/${row.recorded_at}`);
    }
    const last = page.at(-1);
    if (!last) return foundAll(wrong);
    after = [last.tenant_id, last.livemode, last.account_id, last.recorded_at];
  }
};
