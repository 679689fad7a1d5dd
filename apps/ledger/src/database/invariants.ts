import { CANONICAL_SQL, CHAINS } from './chain.js';
import { invariant, noOldOutboxRow, noSecrets, recentOutbox, type Invariant } from '@payflow/invariants';
import { nothingWaitsForEver } from './waiting-ends.js';

/** Transfers that one step of the proof adds up: well within a second. */
const STEP_TRANSFERS = 100_000;
/** The newest transfers that I1 looks at while running: more than come between two checks. */
const RECENT_TRANSFERS = 20_000;
/** Whole transactions: a batch that is seen in part would look as if it had lost the rest. */
const RECENT = `(select * from transfers where xact_id > coalesce(
  (select xact_id from transfers order by xact_id desc offset ${RECENT_TRANSFERS} limit 1), '0'))`;

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

const POSTINGS = (where: string, more = '') => `
  select tenant_id, livemode, debit_account_id as account_id, amount_minor as debits, 0 as credits${more} from transfers ${where}
  union all
  select tenant_id, livemode, credit_account_id, 0, amount_minor${more} from transfers ${where}`;

const HELD = `
  select tenant_id, livemode, account_id, sum(debits)::bigint as debits, sum(credits)::bigint as credits from (
    select tenant_id, livemode, debit_account_id as account_id, amount_minor - posted_minor as debits, 0 as credits
    from holds where status = 'pending'
    union all
    select tenant_id, livemode, credit_account_id, 0, amount_minor - posted_minor from holds where status = 'pending') as h
  group by tenant_id, livemode, account_id`;

/** Accounts whose posted counters differ from their transfers, or whose pending ones from what is held. */
const differing = (sums: string) => `
  select 'accounts/' || coalesce(a.id, s.account_id) as id
  from accounts a full join (${sums}) as s on s.tenant_id = a.tenant_id and s.livemode = a.livemode and s.account_id = a.id
  where a.posted_debits is distinct from coalesce(s.debits, 0) or a.posted_credits is distinct from coalesce(s.credits, 0)
  union all
  select 'accounts/' || coalesce(a.id, h.account_id)
  from (select * from accounts where pending_debits <> 0 or pending_credits <> 0) as a
  full join (${HELD}) as h on h.tenant_id = a.tenant_id and h.livemode = a.livemode and h.account_id = a.id
  where a.pending_debits is distinct from h.debits or a.pending_credits is distinct from h.credits`;

const SUMMED = 'tenant_id, livemode, account_id, sum(debits)::bigint as debits, sum(credits)::bigint as credits';

/** Snapshots that are not what the transfers up to their instant come to; history is read once, in order. */
const WRONG_SNAPSHOTS = `
  select 'balance_snapshots/' || account_id || '/' || recorded_at as id from (
    select account_id, recorded_at, snapshot_debits, snapshot_credits, sum(debits) over so_far as debits, sum(credits) over so_far as credits
    from (
      select tenant_id, livemode, debit_account_id as account_id, recorded_at, amount_minor as debits, 0 as credits,
        null::bigint as snapshot_debits, null::bigint as snapshot_credits from transfers
      union all
      select tenant_id, livemode, credit_account_id, recorded_at, 0, amount_minor, null, null from transfers
      union all
      select tenant_id, livemode, account_id, recorded_at, 0, 0, posted_debits, posted_credits from balance_snapshots) as p
    window so_far as (partition by tenant_id, livemode, account_id order by recorded_at)) as r
  where snapshot_debits <> debits or snapshot_credits <> credits`;

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
  full: `${differing(`select ${SUMMED} from (${POSTINGS('')}) as p group by tenant_id, livemode, account_id`)}
    union all ${WRONG_SNAPSHOTS}`,
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

/** A group is booked whole, in one transaction, and nothing joins it later. */
const groupsAreWhole = (which: string, transfers: string) => `
  select 'groups/' || g.id as id
  from (select tenant_id, livemode, id, xact_id, event_data from verdicts v
    where kind = 'group' and event_type = 'payflow.group.posted.v1' ${which}) as g
  left join transfers t on t.tenant_id = g.tenant_id and t.livemode = g.livemode and t.group_id = g.id
  group by g.tenant_id, g.livemode, g.id, g.xact_id, g.event_data
  having count(t.id) <> json_array_length(g.event_data::json -> 'legs') or bool_or(t.xact_id <> g.xact_id)
  union all
  select 'transfers/' || t.id from ${transfers} as t
  where t.group_id is not null and not exists (
    select from verdicts v where v.tenant_id = t.tenant_id and v.livemode = t.livemode and v.kind = 'group' and v.id = t.group_id
      and v.xact_id = t.xact_id and v.event_type = 'payflow.group.posted.v1')`;

const closedGroups = invariant({
  name: 'I6',
  owner: 'ledger',
  running: groupsAreWhole(
    `and v.xact_id > coalesce((select xact_id from transfers order by xact_id desc offset ${RECENT_TRANSFERS} limit 1), '0')`,
    RECENT,
  ),
  full: groupsAreWhole('', 'transfers'),
});

/** What was moved back of a transfer, as it is kept, against its reversals and against what it moved. */
const WRONGLY_REVERSED = `
  select 'transfers/' || coalesce(r.transfer_id, b.id) || ' is not moved back as far as is kept' from reversals r
  full join (
    select tenant_id, livemode, reverses_id as id, sum(amount_minor) as amount from transfers
    where reverses_id is not null group by tenant_id, livemode, reverses_id) as b
    on b.tenant_id = r.tenant_id and b.livemode = r.livemode and b.id = r.transfer_id
  left join transfers t on t.tenant_id = coalesce(r.tenant_id, b.tenant_id) and t.livemode = coalesce(r.livemode, b.livemode)
    and t.id = coalesce(r.transfer_id, b.id)
  where r.reversed_minor is distinct from b.amount or r.amount_minor is distinct from t.amount_minor or b.amount > t.amount_minor`;

/**
 * The transfer that books a payment carries its id, comes from its hold, or is of a group, which has one id; a refund's and a
 * dispute's carry their own. The id table lets each id be used once.
 */
const onePostingPerStep = invariant({
  name: 'I5',
  owner: 'ledger',
  running: `
    select distinct 'transfers/' || r.id as id from ${RECENT} as r
    join transfers t on t.tenant_id = r.tenant_id and t.livemode = r.livemode and t.id = r.id and t.recorded_at <> r.recorded_at`,
  full: `
    select 'transfers/' || id as id from transfers group by tenant_id, livemode, id having count(*) > 1
    union all
    select 'payments/' || payment_id from transfers
    where payment_id is not null and hold_id is null and reverses_id is null and group_id is null and id = payment_id
    group by tenant_id, livemode, payment_id having count(*) > 1
    union all ${WRONGLY_REVERSED}`,
});

const NO_HASH = `decode(repeat('00', 32), 'hex')`;

/** That whose head is gone, too. */
const EVERY_CHAIN = `generate_series(0, ${CHAINS - 1}) as chain left join chains c using (chain) left join`;

/** Links that do not follow from the row before, and chains that do not end where their head says. */
const broken = (links: string, form: 'running' | 'full') => `
  with links as materialized (
    select t.id, t.chain, t.chain_position, t.chain_hash, ${CANONICAL_SQL} as canonical from ${links} as t),
  pairs as (
    select *, lag(chain_position) over chain as position_before, lag(chain_hash) over chain as hash_before, row_number() over chain as nth
    from links window chain as (partition by chain order by chain_position, id)),
  last as (select distinct on (chain) chain, chain_position, chain_hash from links order by chain, chain_position desc, id desc)
  select 'transfers/' || id as id from pairs
  where ${form === 'full' ? 'true' : '(nth > 1 or chain_position = 1)'} and (
    chain_position <> coalesce(position_before, 0) + 1 or chain_hash <> sha256(convert_to(
      encode(coalesce(hash_before, ${NO_HASH}), 'hex') || '|' || chain_position || '|' || canonical, 'UTF8')))
  union all
  (select 'chains/' || chain from ${form === 'full' ? EVERY_CHAIN : 'chains c join'} last using (chain)
   where (c.position, c.hash) is distinct from (coalesce(last.chain_position, 0), coalesce(last.chain_hash, ${NO_HASH})) order by chain)`;

const chainsVerify = invariant({
  name: 'I7',
  owner: 'ledger',
  // The newest links; the first of them hangs on one that is not looked at.
  running: broken(RECENT, 'running'),
  full: broken('transfers', 'full'),
});

/** Transactions from the horizon on have seen the mark of the month: what they recorded may not take effect before its end. */
const effectiveInClosed = (transfers: string) => `
  select 'transfers/' || t.id as id from periods p
  join ${transfers} as t on t.tenant_id = p.tenant_id and t.livemode = p.livemode and t.xact_id >= p.horizon
    and coalesce(t.effective_at, t.recorded_at) < p.ends_at`;

/** Closed months whose figures are not what the transfers that took effect by then come to: history is read once. */
const WRONG_FIGURES = `
  select 'periods/' || tenant_id || '/' || month || ' has other figures than its transfers' from (
    select c.tenant_id, c.livemode, c.month, f.asset, f.kind, f.posted_debits, f.posted_credits
    from periods c cross join lateral json_to_recordset(c.event_data::json -> 'totals')
      as f (asset text, kind text, posted_debits numeric, posted_credits numeric) where c.status = 'closed') as told
  full join (
    select c.tenant_id, c.livemode, c.month, m.asset, m.kind, sum(m.debits) as posted_debits, sum(m.credits) as posted_credits
    from periods c join (
      select p.tenant_id, p.livemode, a.asset, a.kind, p.since, sum(p.debits) as debits, sum(p.credits) as credits
      from (${POSTINGS(
        `where (tenant_id, livemode) in (select tenant_id, livemode from periods where status = 'closed')`,
        `, date_trunc('month', coalesce(effective_at, recorded_at), 'UTC') as since`,
      )}) as p
      join accounts a on a.tenant_id = p.tenant_id and a.livemode = p.livemode and a.id = p.account_id
      group by p.tenant_id, p.livemode, a.asset, a.kind, p.since) as m
      on m.tenant_id = c.tenant_id and m.livemode = c.livemode and m.since < c.ends_at
    where c.status = 'closed' group by c.tenant_id, c.livemode, c.month, m.asset, m.kind) as found
    using (tenant_id, livemode, month, asset, kind)
  where (told.posted_debits, told.posted_credits) is distinct from (found.posted_debits, found.posted_credits)
  group by tenant_id, livemode, month`;

/** Months that nobody takes for closed any more. */
const REOPENED = `
  select 'periods/' || v.tenant_id || '/' || v.month || ' was closed and is gone' from (
    select distinct tenant_id, livemode, event_data::json ->> 'id' as month from verdicts
    where event_type = 'payflow.period.closing.v1') as v
  where not exists (
    select from periods p where p.tenant_id = v.tenant_id and p.livemode = v.livemode and p.month = v.month)`;

const closedStaysClosed = invariant({
  name: 'I35',
  owner: 'ledger',
  running: effectiveInClosed(RECENT),
  full: `${effectiveInClosed('transfers')} union all ${WRONG_FIGURES} union all ${REOPENED}`,
});

/** How long the sweeper may take to end a hold whose time is over. */
const EXPIRED_WITHIN = "interval '5 seconds'";

const holdsEndOnce = invariant({
  name: 'I10',
  owner: 'ledger',
  running: `
    select 'holds/' || id as id from holds
    where status = 'pending' and (expires_at < clock_timestamp() - ${EXPIRED_WITHIN} or posted_minor = amount_minor)`,
  full: `
    select 'holds/' || h.id as id from holds h
    left join transfers t on t.tenant_id = h.tenant_id and t.livemode = h.livemode and t.hold_id = h.id
    group by h.tenant_id, h.livemode, h.id
    having h.posted_minor <> coalesce(sum(t.amount_minor), 0) or h.posted_minor > h.amount_minor
      or (h.status = 'pending' and h.expires_at < clock_timestamp() - ${EXPIRED_WITHIN})`,
});

/** Under which id a message's verdict is kept: that of what the command makes, or else the command's own. */
const HOLD_OPERATION = `case s.type when 'payflow.hold.placed.v1' then 'place' when 'payflow.hold.posted.v1' then 'post'
  when 'payflow.hold.voided.v1' then 'void' else s.value::json ->> 'operation' end`;
const ID_KIND = `case when s.type like 'payflow.hold.%' then case ${HOLD_OPERATION} when 'place' then 'hold' when 'post' then 'transfer' else 'change' end
  when s.type like 'payflow.account.update%' or s.type like 'payflow.transfer.update%' or s.type like 'payflow.asset.%'
    or s.type like 'payflow.period.%' or s.type like 'payflow.transaction_type.%' then 'change' else split_part(s.type, '.', 2) end`;
const ID = `case ${ID_KIND} when 'change' then s.causation
  when 'transfer' then coalesce(typeid_uuid(s.value::json ->> 'transfer'), s.subject) else s.subject end`;

const POSTED = `('payflow.transfer.posted.v1', 'payflow.hold.posted.v1', 'payflow.group.posted.v1')`;

/** How far below zero the account `a` of a verdict stands, with `more` on its normal side. */
const drawn = (more: string) => `greatest(0, case when a ->> 'kind' in ('asset', 'expense') then -1 else 1 end
  * ((a ->> 'posted_debits')::numeric - (a ->> 'posted_credits')::numeric ${more}))`;

/** Transfers that moved an overdraft of which nothing was told. */
const UNTOLD_OVERDRAFTS = `
  select 'accounts/' || (a ->> 'id') || ' has an overdraft that was not told' from changed c
  cross join lateral (values (c.event_data::json -> 'debit_account', -(c.event_data::json ->> 'amount')::numeric),
    (c.event_data::json -> 'credit_account', (c.event_data::json ->> 'amount')::numeric)) as side (a, credited)
  where c.kind = 'transfer' and c.event_type = 'payflow.transfer.posted.v1' and a ->> 'overdraft' = 'limited'
    and ${drawn('')} <> ${drawn('+ credited')} and not exists (
      select from sent s where s.xact_id = c.xact_id and s.causation = c.command_id and s.subject = typeid_uuid(a ->> 'id')
        and s.type like 'payflow.account.overdraft%')`;

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
      and v.xact_id = t.xact_id and v.event_type in ${POSTED})
  union all
  select 'units/' || u.code || ' has no verdict' from since, units u
  where u.xact_id >= since.first_xact and not exists (
    select from verdicts v where v.xact_id = u.xact_id and v.tenant_id = u.tenant_id and v.livemode = u.livemode
      and v.event_type = 'payflow.asset.defined.v1' and v.event_data::json ->> 'id' = u.code)
  union all
  select 'verdicts/' || c.id || ' has no transfer' from changed c
  where c.kind = 'transfer' and c.event_type in ${POSTED} and not exists (
    select from transfers t where t.tenant_id = c.tenant_id and t.livemode = c.livemode and t.id = c.id and t.xact_id = c.xact_id)
  union all
  select 'periods/' || p.month || ' has no message' from since, periods p
  where p.closed_xact_id >= since.first_xact and p.event_id >= uuid_floor(since.at)
    and not exists (select from sent s where s.xact_id = p.closed_xact_id and s.event_id = p.event_id)
  union all
  select 'events/' || s.event_id || ' has no change' from sent s
  where s.type not like 'payflow.deadletter.%'
    -- An id used again with other content is refused and changes nothing, not even a verdict: the first one stands.
    and not (s.type like '%rejected.v1' and s.value::json ->> 'reason' = 'id_reused')
    -- The refusal of an opening that is asked for again is told again, in the same words.
    and not (s.type = 'payflow.account.rejected.v1' and exists (
      select from verdicts v where v.tenant_id = s.tenant and v.livemode = s.livemode and v.kind = 'account' and v.id = s.subject
        and v.event_type = s.type and v.event_id <> s.event_id and v.event_data = s.value))
    and not exists (select from seals where s.type = 'payflow.ledger.sealed.v1' and seals.event_id = s.event_id)
    -- What a command did to an overdraft is told beside its verdict.
    and not (s.type like 'payflow.account.overdraft%' and exists (
      select from verdicts v where v.xact_id = s.xact_id and v.command_id = s.causation))
    -- The sweeper's own word: the hold says when it was asked to end.
    and not (s.type = 'payflow.hold.void.v1' and exists (
      select from holds h where h.tenant_id = s.tenant and h.livemode = s.livemode and h.id = s.subject and h.expiry_asked_at is not null))
    -- The clock of a test space has taken the move that was told.
    and not (s.type = 'payflow.ledger_clock.moved.v1' and exists (
      select from test_clocks c where c.tenant_id = s.subject and c.heard @> s.version))
    and not exists (
      select from periods p where s.type = 'payflow.period.closed.v1' and p.event_id = s.event_id and p.closed_xact_id = s.xact_id)
    and not exists (
      select from verdicts v where v.tenant_id = s.tenant and v.livemode = s.livemode
        and v.kind = ${ID_KIND} and v.id = ${ID} and v.event_id = s.event_id)
  ${form === 'full' ? `union all ${UNTOLD_OVERDRAFTS}` : ''}`;

const everyChangeIsTold = invariant({
  name: 'I18',
  owner: 'ledger',
  running: changesAreTold('running'),
  full: changesAreTold('full'),
});

const hasMark = (kind: string, row: string) => `exists (
  select from verdicts v where v.tenant_id = ${row}.tenant_id and v.livemode = ${row}.livemode and v.kind = '${kind}' and v.id = ${row}.id`;

/** The ledger's mark is the verdict under the id, which the id table lets be used once; a hold is changed later, under others. */
const marksAreOne = (transfers: string, holds: string, more: string) => `
  select 'transfers/' || t.id || ' has no mark of its transaction' as id from ${transfers} as t
  where not ${hasMark('transfer', 't')} and v.xact_id = t.xact_id)
  union all
  select 'holds/' || h.id || ' has no mark' from ${holds} as h where not ${hasMark('hold', 'h')}) ${more}`;

/** What is moved back of a transfer is measured by its verdict. */
const OTHERWISE_MARKED = `
  select 'transfers/' || t.id || ' has another amount in its mark' from transfers t
  join verdicts v on v.tenant_id = t.tenant_id and v.livemode = t.livemode and v.kind = 'transfer' and v.id = t.id
  where v.event_type in ${POSTED} and t.amount_minor::text is distinct from
    v.event_data::json ->> case v.event_type when 'payflow.hold.posted.v1' then 'transferred' else 'amount' end`;

const oneMarkPerEffect = invariant({
  name: 'I20',
  owner: 'ledger',
  running: marksAreOne(RECENT, `(select * from holds where status = 'pending')`, ''),
  full: marksAreOne(
    'transfers',
    'holds',
    `union all select 'accounts/' || a.id || ' has no mark' from accounts a where not ${hasMark('account', 'a')})
     union all ${OTHERWISE_MARKED}`,
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
  everyChangeIsTold,
  oneMarkPerEffect,
  noOldOutboxRow('ledger'),
  // Accounts are told of in messages as they are opened.
  noSecrets('ledger', [
    {
      full: `select 'metadata_versions/' || id || '/' || version as id, metadata::text as content from metadata_versions`,
    },
    { full: `select 'accounts/' || id as id, concat_ws(' ', path, metadata::text) as content from accounts` },
    { full: `select 'units/' || code as id, name as content from units` },
    {
      full: `select 'transaction_types/' || name || '/' || version as id, concat_ws(' ', debit::text, credit::text) as content
        from transaction_types`,
    },
  ]),
];
