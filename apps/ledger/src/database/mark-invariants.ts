import { inParts, invariant, overPages } from '@payflow/invariants';
import { gathered, inStep, OF_STEP, overHistory, STEP_TRANSFERS, toldOnce, TOLD_IN_STEP } from './history-steps.js';
import { POSTED, RECENT } from './recent-transfers.js';

const hasMark = (kind: string, row: string) => `exists (
  select from verdicts v where v.tenant_id = ${row}.tenant_id and v.livemode = ${row}.livemode and v.kind = '${kind}' and v.id = ${row}.id`;

/** The ledger's mark is the verdict under the id, which the id table lets be used once; a hold is changed later, under others. */
const unmarkedTransfers = (transfers: string, looked = '') => `
  select 'transfers/' || t.id || ' has no mark of its transaction' as id from ${transfers} as t
  where not ${hasMark('transfer', 't')} and v.xact_id = t.xact_id ${looked})`;
const unmarkedHolds = (holds: string) => `
  select 'holds/' || h.id || ' has no mark' as id from ${holds} as h where not ${hasMark('hold', 'h')})`;

const unmarkedAccounts = (accounts: string) => `
  select 'accounts/' || a.id || ' has no mark' as id from ${accounts} as a where not ${hasMark('account', 'a')})`;

/** A leg names its accounts; whatever is booked alone tells them whole. */
const idIn = (account: string) =>
  `case json_typeof(${account}) when 'string' then ${account} #>> '{}' else ${account} ->> 'id' end`;

/** From whom to whom a transfer is moved back, and how much at most, is taken from its verdict. One of another transaction is no mark. */
const OTHERWISE_MARKED = `
  select 'transfers/' || t.id || case when t.amount_minor::text is distinct from told.amount then ' has another amount in its mark'
    else ' has something else in its mark' end as id
  from ${OF_STEP} as t
  join ${TOLD_IN_STEP} as v on v.tenant_id = t.tenant_id and v.livemode = t.livemode and v.kind = 'transfer' and v.id = t.id
  cross join lateral json_to_record(v.event_data::json)
    as said (amount text, transferred text, asset text, debit_account json, credit_account json)
  cross join lateral (
    select case v.event_type when 'payflow.hold.posted.v1' then transferred else amount end as amount,
      typeid_uuid(${idIn('debit_account')}) as debit, typeid_uuid(${idIn('credit_account')}) as credit) as told
  where v.event_type in ${POSTED} and (t.amount_minor::text, t.asset, t.debit_account_id, t.credit_account_id)
    is distinct from (told.amount, said.asset, told.debit, told.credit)`;

const groupsOf = (verdicts: string) => `
  select v.tenant_id, v.livemode, v.id, v.event_id, v.event_data::json as data from ${verdicts} as v
  where v.kind = 'group' and v.event_type = 'payflow.group.posted.v1'`;
const GROUPS_OF_STEP = groupsOf(TOLD_IN_STEP);

/** A group tells its legs as each is told under its own id, and a conversion moves what its rate makes of what was given. */
const GROUPS_OTHERWISE = `
  select 'groups/' || g.id || ' tells other legs than were posted' as id from (${GROUPS_OF_STEP}) as g
  cross join lateral json_array_elements(g.data -> 'legs') as leg
  left join ${TOLD_IN_STEP} as v on v.tenant_id = g.tenant_id and v.livemode = g.livemode and v.kind = 'transfer'
    and v.id = typeid_uuid(leg ->> 'id') and v.event_id = g.event_id
  where v.event_data is distinct from leg::text
  group by g.tenant_id, g.livemode, g.id
  union all
  select 'groups/' || g.id || ' was not converted at its rate' from (${GROUPS_OF_STEP} and v.event_data like '%"rate":%') as g
  where g.data -> 'rate' is not null and (g.data -> 'legs' -> 1 ->> 'amount')::numeric is distinct from
    div((g.data -> 'legs' -> 0 ->> 'amount')::numeric * (g.data -> 'rate' ->> 'numerator')::numeric, (g.data -> 'rate' ->> 'denominator')::numeric)`;

/** Which version of a type each transfer was held against, as its group or its hold's posting tells. */
const typesTold = (verdicts: string) => `
  select g.tenant_id, g.livemode, typeid_uuid(g.data -> 'legs' -> leg::integer ->> 'id') as transfer_id, kept.type as name, kept.version
  from (${groupsOf(verdicts)} and v.event_data like '%"types":%') as g
  cross join lateral json_to_recordset(g.data -> 'types') as kept (type text, version bigint, legs json)
  cross join lateral json_array_elements_text(kept.legs) as leg
  union all
  select v.tenant_id, v.livemode, v.id, data -> 'type' ->> 'name', (data -> 'type' ->> 'version')::bigint
  from ${verdicts} as v cross join lateral (select v.event_data::json as data) as told
  where v.kind = 'transfer' and v.event_type = 'payflow.hold.posted.v1' and v.event_data like '%"type":%'
    and data -> 'type' is not null`;

const IS_TYPED = 'told.tenant_id = k.tenant_id and told.livemode = k.livemode and told.transfer_id = k.transfer_id';
const OTHERWISE_TYPED = `
  select case when (k.name, k.version) is distinct from (told.name, told.version)
    then 'transfers/' || told.transfer_id || ' is not of the type that was told' end as id
  from (${typesTold(TOLD_IN_STEP)}) as told
  left join lateral (select * from typed_transfers k where ${IS_TYPED} limit 1) as k on true`;
const TYPED_BY_NOBODY = `
  select 'transfers/' || k.transfer_id || ' is not of the type that was told' as id from typed_transfers k
  where not exists (select from (${typesTold('verdicts')}) as told where ${IS_TYPED})`;

/** Units and types are told whole, and again as they stand where they are defined again. */
const DEFINED = `
  select v.tenant_id, v.livemode, v.event_type, data ->> 'id' as id, data ->> 'scale' as scale, data ->> 'name' as name,
    data ->> 'created_at' as created_at, (data ->> 'version')::bigint as version, data ->> 'debit' as debit, data ->> 'credit' as credit,
    data ->> 'template' as template, data ->> 'defined_at' as defined_at
  from verdicts v cross join lateral (select v.event_data::json as data) as told
  where ${inStep('v')} and v.kind = 'change' and v.event_type in ('payflow.asset.defined.v1', 'payflow.transaction_type.defined.v1')`;
const toldAs = (type: string) => `
  (select * from json_to_recordset($1::json) as told (tenant_id uuid, livemode boolean, event_type text, id text, scale text, name text,
    created_at timestamptz, version bigint, debit text, credit text, template text, defined_at timestamptz)
   where event_type = '${type}') as told`;

const DEFINED_OTHERWISE = `
  select 'units/' || coalesce(u.code, told.id) || ' is not what was told' as id from units u
  full join ${toldAs('payflow.asset.defined.v1')}
    on told.tenant_id = u.tenant_id and told.livemode = u.livemode and told.id = u.code
  where (u.scale::text, u.name, u.created_at) is distinct from (told.scale, told.name, told.created_at)
  union all
  select 'transaction_types/' || coalesce(y.name, told.id) || '/' || coalesce(y.version, told.version) || ' is not what was told'
  from transaction_types y
  full join ${toldAs('payflow.transaction_type.defined.v1')}
    on told.tenant_id = y.tenant_id and told.livemode = y.livemode and told.id = y.name and told.version = y.version
  where (y.debit::text, y.credit::text, y.template::text, y.defined_at)
    is distinct from (told.debit, told.credit, told.template, told.defined_at)
  union all
  -- Numbered one after the other, so that a tenant has no more of them than there may be: which has which does not matter.
  select 'units/' || max(code) || ' is numbered past the last' from units
  group by tenant_id, livemode having max(number) <> count(*)`;

/**
 * What metadata accounts and transfers had is told as it is given: with an opening, a change, or, version 1 of a transfer that was
 * asked for alone, or stands for another, with its group. What was given before it was kept names nobody who asked, and some of it
 * was told by no event that is left.
 */
const metadataTold = (verdicts: string) => `
  select tenant_id, livemode, 'account' as resource, id, 1::bigint as version, (event_data::json -> 'metadata')::text as metadata,
    null::timestamptz as given_at, true as is_kept
  from ${verdicts} as v where kind = 'account' and event_type = 'payflow.account.opened.v1'
  union all
  select tenant_id, livemode, case event_type when 'payflow.account.updated.v1' then 'account' else 'transfer' end, typeid_uuid(data ->> 'id'),
    (data ->> 'version')::bigint, (data -> 'metadata')::text, (data ->> 'changed_at')::timestamptz, true
  from ${verdicts} as v cross join lateral (select event_data::json as data) as told
  where kind = 'change' and event_type in ('payflow.account.updated.v1', 'payflow.transfer.updated.v1')
  union all
  select g.tenant_id, g.livemode, 'transfer', typeid_uuid(g.data -> 'legs' -> -1 ->> 'id'), 1, (g.data -> 'metadata')::text,
    (g.data ->> 'recorded_at')::timestamptz, false
  from (${groupsOf(verdicts)}) as g
  where g.data ->> 'reverses' is not null or json_array_length(g.data -> 'legs') = 1`;

const IS_OF = (row: string) =>
  `${row}.tenant_id = told.tenant_id and ${row}.livemode = told.livemode and ${row}.resource = told.resource and ${row}.id = told.id`;
const OTHER_METADATA = (row: string) =>
  `${row}.resource || 's/' || ${row}.id || ' has other metadata in version ' || ${row}.version || ' than was told'`;

/** A change of an account that gives it no other metadata makes no version. */
const METADATA_OTHERWISE = `
  select case
      when m.version is null or m.metadata::text <> told.metadata then ${OTHER_METADATA('told')}
      when m.recorded_at <> told.given_at then told.resource || 's/' || told.id || ' was given version ' || m.version || ' at another time'
    end as id
  from (${metadataTold(TOLD_IN_STEP)}) as told
  left join lateral (select * from metadata_versions m where ${IS_OF('m')} and m.version = told.version limit 1) as m on true
  where case
    when m.version is null then told.is_kept
      and not exists (select from metadata_versions o where ${IS_OF('o')} and o.actor is null)
      and (told.resource = 'transfer' or told.metadata is distinct from (
        select b.metadata::text from metadata_versions b where ${IS_OF('b')} and b.version < told.version order by b.version desc limit 1))
    when m.actor is null then m.metadata::text <> told.metadata or m.recorded_at <> told.given_at
    else true end`;
const METADATA_OF_NOBODY = `
  select ${OTHER_METADATA('m')} as id from metadata_versions m
  where m.actor is not null and not exists (
    select from (${metadataTold('verdicts')}) as told where ${IS_OF('m')} and m.version = told.version)`;

export const marksInFull = (step_rows = STEP_TRANSFERS) =>
  inParts(
    overHistory('ledger.I20.transfers', unmarkedTransfers(OF_STEP, `and ${inStep('v')}`), { step_rows }),
    overPages('ledger.I20.holds', { table: 'holds', offending: unmarkedHolds }),
    overPages('ledger.I20.accounts', { table: 'accounts', offending: unmarkedAccounts }),
    overHistory('ledger.I20.amounts', OTHERWISE_MARKED, { step_rows }),
    overHistory('ledger.I20.groups', GROUPS_OTHERWISE, { step_rows, cutBy: 'verdicts' }),
    toldOnce(
      'ledger.I20.types',
      { told: OTHERWISE_TYPED, kept: 'select from typed_transfers', untold: TYPED_BY_NOBODY },
      step_rows,
    ),
    gathered('ledger.I20.defined', { told: DEFINED, compared: DEFINED_OTHERWISE }, step_rows),
    toldOnce(
      'ledger.I20.metadata',
      {
        told: METADATA_OTHERWISE,
        kept: 'select from metadata_versions where actor is not null',
        untold: METADATA_OF_NOBODY,
      },
      step_rows,
    ),
  );

export const oneMarkPerEffect = invariant({
  name: 'I20',
  owner: 'ledger',
  running: `${unmarkedTransfers(RECENT)} union all ${unmarkedHolds(`(select * from holds where status = 'pending')`)}`,
  full: marksInFull(),
});
