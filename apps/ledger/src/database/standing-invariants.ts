import { invariant } from '@payflow/invariants';

type Form = 'running' | 'full';

/** The newest verdicts that are looked at while running: what has just changed, and in full everything. */
const RECENT_VERDICTS = 1_000;
const looked = (form: Form) =>
  form === 'full'
    ? 'true'
    : `xact_id > coalesce((select xact_id from verdicts order by xact_id desc offset ${RECENT_VERDICTS} limit 1), '0')`;
/** In full also rows of which nothing was told; while running those alone that were, each looked up by its key. */
const withTold = (form: Form, table: string, row: string, told: string) => {
  const isTold = `told.tenant_id = ${row}.tenant_id and told.livemode = ${row}.livemode and told.id = ${row}.id`;
  return form === 'full'
    ? `${table} ${row} full join (${told}) as told on ${isTold}`
    : `(${told}) as told left join lateral (select * from ${table} ${row} where ${isTold} limit 1) as ${row} on true`;
};

/** All that was told of accounts' terms; of each, only the last counts. Nothing else changes them, and counters are I3's. */
const toldAccounts = (form: Form) => `
  select distinct on (tenant_id, livemode, id) * from (
    select tenant_id, livemode, id, 1::bigint as version, event_data::json as data from verdicts
    where kind = 'account' and event_type = 'payflow.account.opened.v1' and ${looked(form)}
    union all
    select tenant_id, livemode, typeid_uuid(data ->> 'id'), (data ->> 'version')::bigint, data
    from verdicts cross join lateral (select event_data::json as data) as told
    where kind = 'change' and event_type = 'payflow.account.updated.v1' and ${looked(form)}) as told
  order by tenant_id, livemode, id, version desc`;

/** Accounts that were opened before there were kinds, states and limits are what all were then. */
const accountsOtherwise = (form: Form) => `
  select 'accounts/' || coalesce(a.id, told.id) || case when a.id is null then ' was opened and is gone'
    else ' is not on the terms that were told last' end as id
  from ${withTold(form, 'accounts', 'a', toldAccounts(form))}
  where (a.path, a.asset, a.kind, a.state, a.overdraft, a.overdraft_limit_minor, a.metadata::text, a.created_at, a.version >= told.version)
    is distinct from (data ->> 'path', data ->> 'asset', coalesce(data ->> 'kind', 'liability'), coalesce(data ->> 'state', 'open'),
      data ->> 'overdraft', coalesce(data ->> 'overdraft_limit', '0')::bigint, (data -> 'metadata')::text,
      (data ->> 'created_at')::timestamptz, true)`;

/** Whatever becomes of a hold is told with the whole of it. */
const toldHolds = (form: Form) => `
  select distinct on (tenant_id, livemode, id) * from (
    select tenant_id, livemode, case kind when 'hold' then id else typeid_uuid(data ->> 'id') end as id,
      (data ->> 'version')::bigint as version, data
    from verdicts cross join lateral (select event_data::json as data) as told
    where (kind, event_type) in (('hold', 'payflow.hold.placed.v1'), ('transfer', 'payflow.hold.posted.v1'),
      ('change', 'payflow.hold.voided.v1')) and ${looked(form)}) as told
  order by tenant_id, livemode, id, version desc`;

const holdsOtherwise = (form: Form) => `
  select 'holds/' || coalesce(h.id, told.id) || case when h.id is null then ' was placed and is gone'
    else ' is not what was told of it last' end
  from ${withTold(form, 'holds', 'h', toldHolds(form))}
  where (h.payment_id, h.debit_account_id, h.credit_account_id, h.amount_minor, h.asset, h.posted_minor, h.status, h.expires_at,
      h.version, h.type_name, h.type_version)
    is distinct from (typeid_uuid(data ->> 'payment'), typeid_uuid(data -> 'debit_account' ->> 'id'),
      typeid_uuid(data -> 'credit_account' ->> 'id'), (data ->> 'amount')::bigint, data ->> 'asset', (data ->> 'posted')::bigint,
      data ->> 'status', (data ->> 'expires_at')::timestamptz, told.version, data -> 'type' ->> 'name',
      (data -> 'type' ->> 'version')::bigint)`;

/** How far a transfer was moved back is I5's; which one stands in its place says the group that put it there. */
const CORRECTED_OTHERWISE = `
  select 'transfers/' || coalesce(r.transfer_id, told.id) || ' is not corrected as was told'
  from (select * from reversals where corrected_by_id is not null) as r
  full join (
    select tenant_id, livemode, typeid_uuid(data ->> 'corrects') as id, typeid_uuid(data -> 'legs' -> 1 ->> 'id') as corrected_by_id
    from verdicts cross join lateral (select event_data::json as data) as told
    where kind = 'group' and event_type = 'payflow.group.posted.v1' and event_data like '%"corrects":%'
      and data ->> 'corrects' is not null) as told
    on told.tenant_id = r.tenant_id and told.livemode = r.livemode and told.id = r.transfer_id
  where r.corrected_by_id is distinct from told.corrected_by_id`;

/** Whoever changes an overdraft's limit, or what is held, without the ledger has told nobody of it. */
export const allStandsAsTold = invariant({
  name: 'I16',
  owner: 'ledger',
  running: `${accountsOtherwise('running')} union all ${holdsOtherwise('running')}`,
  full: `${accountsOtherwise('full')} union all ${holdsOtherwise('full')} union all ${CORRECTED_OTHERWISE}`,
});
