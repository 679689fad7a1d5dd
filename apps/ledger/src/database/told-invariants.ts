import { invariant, recentOutbox } from '@payflow/invariants';
import { POSTED } from './recent-transfers.js';

/** Under which id a message's verdict is kept: that of what the command makes, or else the command's own. */
const HOLD_OPERATION = `case s.type when 'payflow.hold.placed.v1' then 'place' when 'payflow.hold.posted.v1' then 'post'
  when 'payflow.hold.voided.v1' then 'void' else s.value::json ->> 'operation' end`;
const ID_KIND = `case when s.type like 'payflow.hold.%' then case ${HOLD_OPERATION} when 'place' then 'hold' when 'post' then 'transfer' else 'change' end
  when s.type like 'payflow.account.update%' or s.type like 'payflow.transfer.update%' or s.type like 'payflow.asset.%'
    or s.type like 'payflow.period.%' or s.type like 'payflow.transaction_type.%' then 'change' else split_part(s.type, '.', 2) end`;
const ID = `case ${ID_KIND} when 'change' then s.causation
  when 'transfer' then coalesce(typeid_uuid(s.value::json ->> 'transfer'), s.subject) else s.subject end`;

const TERMS_TOLD = `v.tenant_id, v.livemode, data ->> 'id' as account, (data ->> 'version')::bigint as version, data ->> 'overdraft' as overdraft,
    coalesce(data ->> 'kind', 'liability') as kind`;
/**
 * What openings and changes told of the terms of those accounts, each in its place among what was done to them. Openings lie under
 * their accounts, and changes of one tenant beside each other: what else was ever told is not read for them.
 */
const TERMS = `
  select ${TERMS_TOLD} from (select distinct tenant_id, livemode, typeid_uuid(account) as id from done) as d
  join verdicts v on v.tenant_id = d.tenant_id and v.livemode = d.livemode and v.kind = 'account' and v.id = d.id
  cross join lateral (select v.event_data::json as data) as told
  where v.event_type = 'payflow.account.opened.v1'
  union all
  select ${TERMS_TOLD} from (select distinct tenant_id, livemode from done) as d
  join verdicts v on v.tenant_id = d.tenant_id and v.livemode = d.livemode and v.kind = 'change'
  cross join lateral (select v.event_data::json as data) as told
  where v.event_type = 'payflow.account.updated.v1'`;

/** What each command of the window did to each account's posted counters, and where they were left. */
const LEFT_BY_COMMANDS = `
  select tenant_id, livemode, xact_id, command_id, a ->> 'id' as account, (a ->> 'version')::bigint as version,
    (a ->> 'posted_credits')::numeric - (a ->> 'posted_debits')::numeric as credits_left, credited
  from (select *, event_data::json as data from changed) as c
  cross join lateral (select (data ->> case event_type when 'payflow.hold.posted.v1' then 'transferred' else 'amount' end)::numeric as moved) as m
  cross join lateral (values (data -> 'debit_account', -moved), (data -> 'credit_account', moved)) as side (a, credited)
  where kind = 'transfer' and event_type in ('payflow.transfer.posted.v1', 'payflow.hold.posted.v1')
  union all
  select tenant_id, livemode, xact_id, command_id, data ->> 'id', (data ->> 'version')::bigint,
    (data ->> 'posted_credits')::numeric - (data ->> 'posted_debits')::numeric, 0
  from (select *, event_data::json as data from changed) as c where event_type = 'payflow.account.updated.v1'
  union all
  select g.tenant_id, g.livemode, g.xact_id, g.command_id, a.id, a.version, a.posted_credits - a.posted_debits, legs.credited
  from (select *, event_data::json as data from changed where kind = 'group' and event_type = 'payflow.group.posted.v1') as g
  cross join lateral (
    select side.account, sum(side.credited) as credited
    from json_to_recordset(g.data -> 'legs') as leg (debit_account text, credit_account text, amount numeric)
    cross join lateral (values (leg.debit_account, -leg.amount), (leg.credit_account, leg.amount)) as side (account, credited)
    group by side.account) as legs
  join lateral json_to_recordset(g.data -> 'accounts') as a (id text, version bigint, posted_debits numeric, posted_credits numeric)
    on a.id = legs.account`;

/** How far below zero an account stood under a policy. */
const drawn = (overdraft: string, credits: string) => `case ${overdraft} when 'limited'
  then greatest(0, case when kind in ('asset', 'expense') then ${credits} else -(${credits}) end) else 0 end`;

/**
 * Commands that moved an overdraft of which nothing was told: by a transfer of any kind, or by a change of what is allowed. Terms and
 * what was done lie in one row of versions for each account, so that whatever was in force is the last before.
 */
const UNTOLD_OVERDRAFTS = `
  select 'accounts/' || account || ' has an overdraft that was not told' from (
    select *, first_value(overdraft) over in_force as policy, first_value(was) over in_force as policy_before,
      first_value(version) over in_force as since, first_value(kind_told) over in_force as kind
    from (
      select *, count(overdraft) over of_account as nth
      from (
        select tenant_id, livemode, account, version, overdraft, kind as kind_told,
          lag(overdraft) over (partition by tenant_id, livemode, account order by version) as was,
          null::xid8 as xact_id, null::uuid as command_id, null::numeric as credits_left, null::numeric as credited
        from (${TERMS}) as terms
        union all
        select tenant_id, livemode, account, version, null, null, null, xact_id, command_id, credits_left, credited
        from done) as told
      window of_account as (partition by tenant_id, livemode, account order by version, overdraft nulls last)) as counted
    window in_force as (partition by tenant_id, livemode, account, nth order by version, overdraft nulls last)) as l
  where command_id is not null
    and ${drawn('policy', 'credits_left')} <> ${drawn('case when version = since then policy_before else policy end', 'credits_left - credited')}
    and not exists (
      select from sent s where s.xact_id = l.xact_id and s.causation = l.command_id and s.subject = typeid_uuid(l.account)
        and s.type like 'payflow.account.overdraft%')`;

/** Everything the ledger changes goes with a verdict, and a verdict is an event: change, verdict and message are one transaction. */
const changesAreTold = (form: 'running' | 'full') => `
  with ${recentOutbox(form)},
  changed as materialized (
    select v.* from since, verdicts v where v.xact_id >= since.first_xact and v.event_id >= uuid_floor(since.at))
  ${form === 'full' ? `, done as materialized (${LEFT_BY_COMMANDS})` : ''}
  select 'verdicts/' || c.id || ' has no message' as id from changed c
  where not exists (select from sent s where s.xact_id = c.xact_id and s.event_id = c.event_id)
  union all
  -- A leg's own verdict is a part of its group's.
  select 'verdicts/' || c.id || ' is not what its message says' from changed c
  where not (c.kind = 'transfer' and c.event_type = 'payflow.group.posted.v1')
    and exists (select from sent s where s.xact_id = c.xact_id and s.event_id = c.event_id)
    and not exists (select from sent s where s.xact_id = c.xact_id and s.event_id = c.event_id and s.causation = c.command_id
        and s.value = c.event_data)
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
    and not exists (select from sent s where s.xact_id = p.closed_xact_id and s.event_id = p.event_id and s.value = p.event_data)
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

export const everyChangeIsTold = invariant({
  name: 'I18',
  owner: 'ledger',
  running: changesAreTold('running'),
  full: changesAreTold('full'),
});
