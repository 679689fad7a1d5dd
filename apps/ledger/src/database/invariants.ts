import { invariant, noOldOutboxRow, noSecrets, recentOutbox, type Invariant } from '@payflow/invariants';

/** Transfers that one step of the proof adds up: well within a second. */
const STEP_TRANSFERS = 100_000;
/** The newest transfers that I1 looks at while running: more than come between two checks. */
const RECENT_TRANSFERS = 20_000;

const misbooked = (transfers: string) => `
  select 'transfers/' || t.id as id from ${transfers} as t
  left join accounts d on d.tenant_id = t.tenant_id and d.livemode = t.livemode and d.id = t.debit_account_id
  left join accounts c on c.tenant_id = t.tenant_id and c.livemode = t.livemode and c.id = t.credit_account_id
  where t.amount_minor <= 0 or t.debit_account_id = t.credit_account_id
    or d.asset is distinct from t.asset or c.asset is distinct from t.asset`;

const twoAccountsOneAsset = invariant({
  name: 'I1',
  owner: 'ledger',
  running: misbooked(`(select * from transfers order by xact_id desc limit ${RECENT_TRANSFERS})`),
  full: misbooked('transfers'),
});

const debitsEqualCredits = invariant({
  name: 'I2',
  owner: 'ledger',
  // Accounts of one tenant only trade with each other, so the books close for each tenant and mode by themselves.
  running: `
    select concat_ws('/', tenant_id, case when livemode then 'live' else 'test' end, asset) as id
    from accounts group by tenant_id, livemode, asset
    having sum(posted_debits) <> sum(posted_credits) or sum(pending_debits) <> sum(pending_credits)`,
});

const POSTINGS = (where: string) => `
  select tenant_id, livemode, debit_account_id as account_id, amount_minor as debits, 0 as credits from transfers ${where}
  union all
  select tenant_id, livemode, credit_account_id, 0, amount_minor from transfers ${where}`;

/** Accounts whose counters differ from the sums. Nothing is held yet, so pending counters are zero. */
const differing = (sums: string) => `
  select 'accounts/' || coalesce(a.id, s.account_id) as id
  from accounts a full join (${sums}) as s on s.tenant_id = a.tenant_id and s.livemode = a.livemode and s.account_id = a.id
  where a.posted_debits is distinct from coalesce(s.debits, 0) or a.posted_credits is distinct from coalesce(s.credits, 0)
    or a.pending_debits <> 0 or a.pending_credits <> 0`;

const SUMMED = 'tenant_id, livemode, account_id, sum(debits)::bigint as debits, sum(credits)::bigint as credits';

/**
 * Counters against transfers, without reading history twice: transfers of transactions that have ended for certain
 * (before every transaction still running) are added once to `verified_counters`; what is newer is added up on the spot,
 * in the snapshot that also shows the counters.
 */
const countersEqualTransfers = invariant({
  name: 'I3',
  owner: 'ledger',
  advance: `
    with span as materialized (
      select horizon as lower_bound, least(pg_snapshot_xmin(pg_current_snapshot()),
        (select xact_id from transfers t where t.xact_id >= h.horizon order by xact_id offset ${STEP_TRANSFERS} limit 1)) as upper_bound
      from verified_horizon h for update),
    moved as (
      update verified_horizon set horizon = greatest(horizon, upper_bound) from span returning lower_bound, upper_bound),
    added as (
      insert into verified_counters as v (tenant_id, livemode, account_id, posted_debits, posted_credits)
      select ${SUMMED} from (${POSTINGS('cross join span where xact_id >= lower_bound and xact_id < upper_bound')}) as p
      group by tenant_id, livemode, account_id order by tenant_id, livemode, account_id
      on conflict (tenant_id, livemode, account_id) do update
        set posted_debits = v.posted_debits + excluded.posted_debits, posted_credits = v.posted_credits + excluded.posted_credits)
    select from moved where upper_bound < pg_snapshot_xmin(pg_current_snapshot())`,
  running: differing(`
    select ${SUMMED} from (
      select tenant_id, livemode, account_id, posted_debits as debits, posted_credits as credits from verified_counters
      union all ${POSTINGS('where xact_id >= (select horizon from verified_horizon)')}) as p
    group by tenant_id, livemode, account_id`),
  full: differing(`select ${SUMMED} from (${POSTINGS('')}) as p group by tenant_id, livemode, account_id`),
});

const aboveTheFloor = invariant({
  name: 'I4',
  owner: 'ledger',
  running: `
    select 'accounts/' || id as id from accounts
    where (overdraft = 'none' and posted_credits - posted_debits - pending_debits < 0)
      or least(posted_debits, posted_credits, pending_debits, pending_credits) < 0`,
});

/** Everything the ledger changes goes with a verdict, and a verdict is an event: change, verdict and message are one transaction. */
const changesAreTold = (form: 'running' | 'full') => `
  with ${recentOutbox(form)},
  changed as materialized (
    select v.* from since, verdicts v where v.xact_id >= since.first_xact and v.event_id >= uuid_floor(since.at))
  select 'verdicts/' || c.id || ' has no message' as id from changed c
  where not exists (select from sent s where s.xact_id = c.xact_id and s.event_id = c.event_id)
  union all
  select 'transfers/' || t.id || ' has no verdict' from since, transfers t
  where t.xact_id >= since.first_xact and t.recorded_at >= since.at and not exists (
    select from verdicts v where v.tenant_id = t.tenant_id and v.livemode = t.livemode and v.kind = 'transfer' and v.id = t.id
      and v.xact_id = t.xact_id and v.event_type = 'payflow.transfer.posted.v1')
  union all
  select 'verdicts/' || c.id || ' has no transfer' from changed c
  where c.event_type = 'payflow.transfer.posted.v1' and not exists (
    select from transfers t where t.tenant_id = c.tenant_id and t.livemode = c.livemode and t.id = c.id and t.xact_id = c.xact_id)
  union all
  select 'events/' || s.event_id || ' has no change' from sent s
  where s.type not like 'payflow.deadletter.%'
    -- An id used again with other content is refused and changes nothing, not even a verdict: the first one stands.
    and not (s.type like '%.rejected.v1' and s.value::json ->> 'reason' = 'id_reused')
    and not exists (
      select from verdicts v where v.tenant_id = s.tenant and v.livemode = s.livemode
        and v.kind = case when s.type like 'payflow.account.%' then 'account' else 'transfer' end
        and v.id = s.subject and v.event_id = s.event_id)`;

const everyChangeIsTold = invariant({
  name: 'I18',
  owner: 'ledger',
  running: changesAreTold('running'),
  full: changesAreTold('full'),
});

/** What must always hold in the ledger's database. */
export const invariants: readonly Invariant[] = [
  twoAccountsOneAsset,
  debitsEqualCredits,
  countersEqualTransfers,
  aboveTheFloor,
  everyChangeIsTold,
  noOldOutboxRow('ledger'),
  // Accounts are told of in messages as they are opened; metadata never changes after that.
  noSecrets('ledger', [
    { full: `select 'accounts/' || id as id, concat_ws(' ', path, metadata::text) as content from accounts` },
  ]),
];
