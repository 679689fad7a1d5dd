import { inParts, invariant, keyedOnce, noOldOutboxRow, noSecrets, part, type Invariant } from '@payflow/invariants';
import { brokenChains } from './chain-walk.js';
import { CANONICAL_SQL } from './chain.js';
import { ofClass, overClasses } from './class-walk.js';
import { wrongCounters } from './counter-walk.js';
import { inStep, overHistory, OF_STEP, TOLD_IN_STEP } from './history-steps.js';
import { oneMarkPerEffect } from './mark-invariants.js';
import { closedStaysClosed } from './period-invariants.js';
import { RECENT, RECENT_TRANSFERS } from './recent-transfers.js';
import { wrongSnapshots } from './snapshot-walk.js';
import { allStandsAsTold } from './standing-invariants.js';
import { everyChangeIsTold } from './told-invariants.js';
import { nothingWaitsForEver } from './waiting-ends.js';

/** Transfers that one step of the proof adds up: well within a second. */
const STEP_TRANSFERS = 100_000;
const misbooked = (transfers: string) => `
  select 'transfers/' || t.id as id from ${transfers} as t
  left join accounts d on d.tenant_id = t.tenant_id and d.livemode = t.livemode and d.id = t.debit_account_id
  left join accounts c on c.tenant_id = t.tenant_id and c.livemode = t.livemode and c.id = t.credit_account_id
  where t.amount_minor <= 0 or t.debit_account_id = t.credit_account_id
    or d.asset is distinct from t.asset or c.asset is distinct from t.asset`;

const twoAccountsOneAsset = invariant({
  name: 'I1',
  owner: 'ledger',
  running: misbooked(RECENT),
  full: inParts(overHistory('ledger.I1.step', misbooked(OF_STEP))),
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

const HELD = `
  select tenant_id, livemode, account_id, sum(debits)::bigint as debits, sum(credits)::bigint as credits from (
    select tenant_id, livemode, debit_account_id as account_id, amount_minor - posted_minor as debits, 0 as credits
    from holds where status = 'pending'
    union all
    select tenant_id, livemode, credit_account_id, 0, amount_minor - posted_minor from holds where status = 'pending') as h
  group by tenant_id, livemode, account_id`;

/** Accounts whose posted counters differ from their transfers. */
const differing = (sums: string) => `
  select 'accounts/' || coalesce(a.id, s.account_id) as id
  from accounts a full join (${sums}) as s on s.tenant_id = a.tenant_id and s.livemode = a.livemode and s.account_id = a.id
  where a.posted_debits is distinct from coalesce(s.debits, 0) or a.posted_credits is distinct from coalesce(s.credits, 0)`;

/** And whose pending ones differ from what is held. */
const HELD_OTHERWISE = `
  select 'accounts/' || coalesce(a.id, h.account_id) as id
  from (select * from accounts where pending_debits <> 0 or pending_credits <> 0) as a
  full join (${HELD}) as h on h.tenant_id = a.tenant_id and h.livemode = a.livemode and h.account_id = a.id
  where a.pending_debits is distinct from h.debits or a.pending_credits is distinct from h.credits`;

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
  running: `${differing(`
    select ${SUMMED} from (
      select tenant_id, livemode, account_id, posted_debits as debits, posted_credits as credits from verified_counters
      union all ${POSTINGS('where xact_id >= (select horizon from verified_horizon)')}) as p
    group by tenant_id, livemode, account_id`)} union all ${HELD_OTHERWISE}`,
  full: inParts(wrongCounters(), part('ledger.I3.held', HELD_OTHERWISE), wrongSnapshots),
});

const aboveTheFloor = invariant({
  name: 'I4',
  owner: 'ledger',
  running: `
    select 'accounts/' || id as id from accounts
    where (overdraft <> 'unbounded' and case
        when kind in ('asset', 'expense') then posted_debits - posted_credits - pending_credits
        else posted_credits - posted_debits - pending_debits end < -overdraft_limit_minor)
      or least(posted_debits, posted_credits, pending_debits, pending_credits) < 0`,
});

/**
 * A group is booked whole, in one transaction, and nothing joins it later: what did would be of no group of its own transaction.
 * `legs` are the transfers that may be a group's.
 */
const groupsAreWhole = (
  which: string,
  { transfers, legs, verdicts }: Record<'transfers' | 'legs' | 'verdicts', string>,
) => `
  select 'groups/' || g.id as id
  from (select tenant_id, livemode, id, xact_id, event_data from verdicts v
    where kind = 'group' and event_type = 'payflow.group.posted.v1' ${which}) as g
  left join ${legs} as t on t.tenant_id = g.tenant_id and t.livemode = g.livemode and t.group_id = g.id
  group by g.tenant_id, g.livemode, g.id, g.xact_id, g.event_data
  having count(t.id) <> json_array_length(g.event_data::json -> 'legs') or bool_or(t.xact_id <> g.xact_id)
  union all
  select 'transfers/' || t.id from ${transfers} as t
  where t.group_id is not null and not exists (
    select from ${verdicts} as v where v.tenant_id = t.tenant_id and v.livemode = t.livemode and v.kind = 'group' and v.id = t.group_id
      and v.xact_id = t.xact_id and v.event_type = 'payflow.group.posted.v1')`;

const closedGroups = invariant({
  name: 'I6',
  owner: 'ledger',
  running: groupsAreWhole(
    `and v.xact_id > coalesce((select xact_id from transfers order by xact_id desc offset ${RECENT_TRANSFERS} limit 1), '0')`,
    { transfers: RECENT, legs: 'transfers', verdicts: 'verdicts' },
  ),
  full: inParts(
    overHistory(
      'ledger.I6.step',
      groupsAreWhole(`and ${inStep('v')}`, { transfers: OF_STEP, legs: OF_STEP, verdicts: TOLD_IN_STEP }),
    ),
  ),
});

/**
 * What was moved back of a transfer, as it is kept, against its reversals and against what it moved; and how often, by its version:
 * what one batch moves back is one change.
 */
const WRONGLY_REVERSED = `
  select 'transfers/' || coalesce(r.transfer_id, b.id) || ' is not moved back as far as is kept' as id
  from (select * from reversals where ${ofClass('transfer_id', 1)}) as r
  full join (
    select tenant_id, livemode, reverses_id as id, sum(amount_minor) as amount, count(distinct xact_id) as changes from transfers
    where reverses_id is not null and ${ofClass('reverses_id', 1)} group by tenant_id, livemode, reverses_id) as b
    on b.tenant_id = r.tenant_id and b.livemode = r.livemode and b.id = r.transfer_id
  left join lateral (
    select t.amount_minor from transfers t where t.tenant_id = coalesce(r.tenant_id, b.tenant_id)
      and t.livemode = coalesce(r.livemode, b.livemode) and t.id = coalesce(r.transfer_id, b.id) limit 1) as t on true
  where r.reversed_minor is distinct from b.amount or r.version is distinct from b.changes or r.amount_minor is distinct from t.amount_minor or b.amount > t.amount_minor`;

/** And from whom to whom. */
const REVERSED_OTHERWISE = `
  select 'transfers/' || b.id || ' moves back something else' as id from ${OF_STEP} as b
  left join lateral (
    select * from transfers t where t.tenant_id = b.tenant_id and t.livemode = b.livemode and t.id = b.reverses_id limit 1) as t on true
  where b.reverses_id is not null and (t.debit_account_id, t.credit_account_id, t.asset)
    is distinct from (b.credit_account_id, b.debit_account_id, b.asset)`;

/**
 * The transfer that books a payment carries its id, comes from its hold, or is of a group, which has one id; a refund's and a
 * dispute's carry their own. The id table lets each id be used once.
 */
const BOOKED_TWICE = `
  select distinct 'transfers/' || r.id as id from ${RECENT} as r
  join transfers t on t.tenant_id = r.tenant_id and t.livemode = r.livemode and t.id = r.id and t.recorded_at <> r.recorded_at`;

const onePostingPerStep = invariant({
  name: 'I5',
  owner: 'ledger',
  running: BOOKED_TWICE,
  full: inParts(
    keyedOnce('ledger.I5.ids', { table: 'transfers', key: 'id', time: 'recorded_at', offends: `'transfers/' || id` }),
    overClasses('ledger.I5.reversals', { rows: 'reversals', query: WRONGLY_REVERSED }),
    overHistory('ledger.I5.step', REVERSED_OTHERWISE),
  ),
});

const NO_HASH = `decode(repeat('00', 32), 'hex')`;

/** The newest links that do not follow from the row before, and chains that do not end where their head says. */
const BROKEN_LATELY = `
  with links as materialized (
    select t.id, t.chain, t.chain_position, t.chain_hash, ${CANONICAL_SQL} as canonical from ${RECENT} as t),
  pairs as (
    select *, lag(chain_position) over chain as position_before, lag(chain_hash) over chain as hash_before, row_number() over chain as nth
    from links window chain as (partition by chain order by chain_position, id)),
  last as (select distinct on (chain) chain, chain_position, chain_hash from links order by chain, chain_position desc, id desc)
  -- The first of them hangs on one that is not looked at.
  select 'transfers/' || id as id from pairs
  where (nth > 1 or chain_position = 1) and (
    chain_position <> coalesce(position_before, 0) + 1 or chain_hash <> sha256(convert_to(
      encode(coalesce(hash_before, ${NO_HASH}), 'hex') || '|' || chain_position || '|' || canonical, 'UTF8')))
  union all
  (select 'chains/' || chain from chains c join last using (chain)
   where (c.position, c.hash) is distinct from (last.chain_position, last.chain_hash) order by chain)`;

const chainsVerify = invariant({
  name: 'I7',
  owner: 'ledger',
  running: BROKEN_LATELY,
  full: inParts(brokenChains()),
});

/** How long the sweeper may take to end a hold whose time is over. */
const EXPIRED_WITHIN = "interval '5 seconds'";

const holdsEndOnce = invariant({
  name: 'I10',
  owner: 'ledger',
  running: `
    select 'holds/' || id as id from holds
    where status = 'pending' and (expires_at < clock_timestamp() - ${EXPIRED_WITHIN} or posted_minor = amount_minor)`,
  full: inParts(
    overClasses('ledger.I10.holds', {
      rows: 'holds',
      query: `
        select 'holds/' || h.id as id from holds h
        left join (
          select tenant_id, livemode, hold_id, sum(amount_minor) as posted from transfers
          where hold_id is not null and ${ofClass('hold_id', 1)} group by tenant_id, livemode, hold_id) as t
          on t.tenant_id = h.tenant_id and t.livemode = h.livemode and t.hold_id = h.id
        where ${ofClass('h.id', 1)} and (h.posted_minor <> coalesce(t.posted, 0) or h.posted_minor > h.amount_minor
          or (h.status = 'pending' and h.expires_at < clock_timestamp() - ${EXPIRED_WITHIN}))`,
    }),
  ),
});

/** What must always hold in the ledger's database. */
export const invariants: readonly Invariant[] = [
  twoAccountsOneAsset,
  debitsEqualCredits,
  countersEqualTransfers,
  aboveTheFloor,
  onePostingPerStep,
  closedGroups,
  chainsVerify,
  holdsEndOnce,
  closedStaysClosed,
  nothingWaitsForEver,
  allStandsAsTold,
  everyChangeIsTold,
  oneMarkPerEffect,
  noOldOutboxRow('ledger'),
  // Accounts are told of in messages as they are opened.
  noSecrets('ledger', [
    {
      table: 'metadata_versions',
      id: `'metadata_versions/' || id || '/' || version`,
      content: 'metadata::text',
      key: [
        ['resource', 'text', ''],
        ['id', 'uuid', '00000000-0000-0000-0000-000000000000'],
        ['version', 'bigint', 0],
      ],
    },
    { table: 'accounts', id: `'accounts/' || id`, content: `concat_ws(' ', path, metadata::text)` },
    { full: `select 'units/' || code as id, name as content from units` },
    {
      full: `select 'transaction_types/' || name || '/' || version as id, concat_ws(' ', debit::text, credit::text) as content
        from transaction_types`,
    },
  ]),
];
