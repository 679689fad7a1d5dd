import { inParts, invariant, part } from '@payflow/invariants';
import { OF_STEP, overHistory } from './history-steps.js';
import { POSTED, RECENT } from './recent-transfers.js';

const hasMark = (kind: string, row: string) => `exists (
  select from verdicts v where v.tenant_id = ${row}.tenant_id and v.livemode = ${row}.livemode and v.kind = '${kind}' and v.id = ${row}.id`;

/** The ledger's mark is the verdict under the id, which the id table lets be used once; a hold is changed later, under others. */
const unmarkedTransfers = (transfers: string) => `
  select 'transfers/' || t.id || ' has no mark of its transaction' as id from ${transfers} as t
  where not ${hasMark('transfer', 't')} and v.xact_id = t.xact_id)`;
const unmarkedHolds = (holds: string) => `
  select 'holds/' || h.id || ' has no mark' as id from ${holds} as h where not ${hasMark('hold', 'h')})`;

const UNMARKED_ACCOUNTS = `
  select 'accounts/' || a.id || ' has no mark' as id from accounts a where not ${hasMark('account', 'a')})`;

/** A leg names its accounts; whatever is booked alone tells them whole. */
const idIn = (account: string) =>
  `case json_typeof(${account}) when 'string' then ${account} #>> '{}' else ${account} ->> 'id' end`;

/** From whom to whom a transfer is moved back, and how much at most, is taken from its verdict. */
const OTHERWISE_MARKED = `
  select 'transfers/' || t.id || case when t.amount_minor::text is distinct from told.amount then ' has another amount in its mark'
    else ' has something else in its mark' end as id
  from ${OF_STEP} as t
  join verdicts v on v.tenant_id = t.tenant_id and v.livemode = t.livemode and v.kind = 'transfer' and v.id = t.id
  cross join lateral json_to_record(v.event_data::json)
    as said (amount text, transferred text, asset text, debit_account json, credit_account json)
  cross join lateral (
    select case v.event_type when 'payflow.hold.posted.v1' then transferred else amount end as amount,
      typeid_uuid(${idIn('debit_account')}) as debit, typeid_uuid(${idIn('credit_account')}) as credit) as told
  where v.event_type in ${POSTED} and (t.amount_minor::text, t.asset, t.debit_account_id, t.credit_account_id)
    is distinct from (told.amount, said.asset, told.debit, told.credit)`;

const GROUPS = `
  select v.tenant_id, v.livemode, v.id, v.event_id, v.event_data::json as data from verdicts v
  where v.kind = 'group' and v.event_type = 'payflow.group.posted.v1'`;

/** A group tells its legs as each is told under its own id, and a conversion moves what its rate makes of what was given. */
const GROUPS_OTHERWISE = `
  select 'groups/' || g.id || ' tells other legs than were posted' as id from (${GROUPS}) as g
  cross join lateral json_array_elements(g.data -> 'legs') as leg
  left join verdicts v on v.tenant_id = g.tenant_id and v.livemode = g.livemode and v.kind = 'transfer' and v.id = typeid_uuid(leg ->> 'id')
    and v.event_id = g.event_id
  where v.event_data is distinct from leg::text
  group by g.tenant_id, g.livemode, g.id
  union all
  select 'groups/' || g.id || ' was not converted at its rate' from (${GROUPS} and v.event_data like '%"rate":%') as g
  where g.data -> 'rate' is not null and (g.data -> 'legs' -> 1 ->> 'amount')::numeric is distinct from
    div((g.data -> 'legs' -> 0 ->> 'amount')::numeric * (g.data -> 'rate' ->> 'numerator')::numeric, (g.data -> 'rate' ->> 'denominator')::numeric)`;

/** Which version of a type each transfer was held against, as its group or its hold's posting tells. */
const OTHERWISE_TYPED = `
  select 'transfers/' || coalesce(k.transfer_id, told.transfer_id) || ' is not of the type that was told' as id from typed_transfers k
  full join (
    select g.tenant_id, g.livemode, typeid_uuid(g.data -> 'legs' -> leg::integer ->> 'id') as transfer_id, kept.type as name, kept.version
    from (${GROUPS} and v.event_data like '%"types":%') as g
    cross join lateral json_to_recordset(g.data -> 'types') as kept (type text, version bigint, legs json)
    cross join lateral json_array_elements_text(kept.legs) as leg
    union all
    select v.tenant_id, v.livemode, v.id, data -> 'type' ->> 'name', (data -> 'type' ->> 'version')::bigint
    from verdicts v cross join lateral (select v.event_data::json as data) as told
    where v.kind = 'transfer' and v.event_type = 'payflow.hold.posted.v1' and v.event_data like '%"type":%'
      and data -> 'type' is not null) as told
    on told.tenant_id = k.tenant_id and told.livemode = k.livemode and told.transfer_id = k.transfer_id
  where (k.name, k.version) is distinct from (told.name, told.version)`;

/** Units and types are told whole, and again as they stand where they are defined again. */
const DEFINED_OTHERWISE = `
  select 'units/' || coalesce(u.code, told.code) || ' is not what was told' as id from units u
  full join (
    select distinct tenant_id, livemode, data ->> 'id' as code, data ->> 'scale' as scale, data ->> 'name' as name, data ->> 'created_at' as created_at
    from verdicts cross join lateral (select event_data::json as data) as told
    where kind = 'change' and event_type = 'payflow.asset.defined.v1') as told
    on told.tenant_id = u.tenant_id and told.livemode = u.livemode and told.code = u.code
  where (u.scale::text, u.name, u.created_at) is distinct from (told.scale, told.name, told.created_at::timestamptz)
  union all
  select 'transaction_types/' || coalesce(y.name, told.name) || '/' || coalesce(y.version, told.version) || ' is not what was told'
  from transaction_types y
  full join (
    select distinct tenant_id, livemode, data ->> 'id' as name, (data ->> 'version')::bigint as version, data ->> 'debit' as debit,
      data ->> 'credit' as credit, data ->> 'template' as template, data ->> 'defined_at' as defined_at
    from verdicts cross join lateral (select event_data::json as data) as told
    where kind = 'change' and event_type = 'payflow.transaction_type.defined.v1') as told
    on told.tenant_id = y.tenant_id and told.livemode = y.livemode and told.name = y.name and told.version = y.version
  where (y.debit::text, y.credit::text, y.template::text, y.defined_at)
    is distinct from (told.debit, told.credit, told.template, told.defined_at::timestamptz)`;

/**
 * What metadata accounts and transfers had is told as it is given: with an opening, a change, or, version 1 of a transfer that was
 * asked for alone, or stands for another, with its group. What was given before it was kept names nobody who asked, and some of it
 * was told by no event that is left.
 */
const METADATA_OTHERWISE = `
  select coalesce(m.resource, told.resource) || 's/' || coalesce(m.id, told.id) || ' has other metadata in version '
    || coalesce(m.version, told.version) || ' than was told' as id from metadata_versions m
  full join (
    select tenant_id, livemode, 'account' as resource, id, version, metadata,
      metadata is distinct from lag(metadata) over (partition by tenant_id, livemode, id order by version) as is_kept
    from (
      select tenant_id, livemode, id, 1::bigint as version, (event_data::json -> 'metadata')::text as metadata
      from verdicts where kind = 'account' and event_type = 'payflow.account.opened.v1'
      union all
      select tenant_id, livemode, typeid_uuid(data ->> 'id'), (data ->> 'version')::bigint, (data -> 'metadata')::text
      from verdicts cross join lateral (select event_data::json as data) as told
      where kind = 'change' and event_type = 'payflow.account.updated.v1') as accounts
    union all
    select tenant_id, livemode, 'transfer', typeid_uuid(data ->> 'id'), (data ->> 'version')::bigint, (data -> 'metadata')::text, true
    from verdicts cross join lateral (select event_data::json as data) as told
    where kind = 'change' and event_type = 'payflow.transfer.updated.v1'
    union all
    select g.tenant_id, g.livemode, 'transfer', typeid_uuid(g.data -> 'legs' -> -1 ->> 'id'), 1, (g.data -> 'metadata')::text, false
    from (${GROUPS}) as g
    where g.data ->> 'reverses' is not null or json_array_length(g.data -> 'legs') = 1) as told
    on told.tenant_id = m.tenant_id and told.livemode = m.livemode and told.resource = m.resource and told.id = m.id and told.version = m.version
  where case
    when m.id is null then told.is_kept and not exists (
      select from metadata_versions o
      where o.tenant_id = told.tenant_id and o.livemode = told.livemode and o.resource = told.resource and o.id = told.id and o.actor is null)
    when told.id is null then m.actor is not null
    else m.metadata::text <> told.metadata end`;

export const oneMarkPerEffect = invariant({
  name: 'I20',
  owner: 'ledger',
  running: `${unmarkedTransfers(RECENT)} union all ${unmarkedHolds(`(select * from holds where status = 'pending')`)}`,
  full: inParts(
    overHistory('ledger.I20.transfers', unmarkedTransfers(OF_STEP)),
    part('ledger.I20.holds', unmarkedHolds('holds')),
    part('ledger.I20.accounts', UNMARKED_ACCOUNTS),
    overHistory('ledger.I20.amounts', OTHERWISE_MARKED),
    part('ledger.I20.groups', GROUPS_OTHERWISE),
    part('ledger.I20.types', OTHERWISE_TYPED),
    part('ledger.I20.defined', DEFINED_OTHERWISE),
    part('ledger.I20.metadata', METADATA_OTHERWISE),
  ),
});
