import { inParts, invariant } from '@payflow/invariants';
import { toldOnce, TOLD_IN_STEP } from './history-steps.js';
import { accountDiffers, HOLD_EVENTS, holdDiffers, placedOtherwise, toldOfHolds } from './standing.js';
import { otherwiseStandingAccounts, otherwiseStandingHolds, type Bounds } from './standing-walk.js';

/** The newest verdicts that are looked at while running: what has just changed, and in full everything. */
const RECENT_VERDICTS = 1_000;
const LOOKED = `xact_id > coalesce((select xact_id from verdicts order by xact_id desc offset ${RECENT_VERDICTS} limit 1), '0')`;
/** What was told, each with its row, looked up by its key. */
const withRow = (told: string, table: string, row: string) => `
  (${told}) as told left join lateral (
    select * from ${table} ${row} where told.tenant_id = ${row}.tenant_id and told.livemode = ${row}.livemode and told.id = ${row}.id limit 1) as ${row} on true`;

/** All that was told of accounts' terms; of each, only the last counts. Nothing else changes them, and counters are I3's. */
const TOLD_ACCOUNTS = `
  select distinct on (tenant_id, livemode, id) * from (
    select tenant_id, livemode, id, 1::bigint as version, event_data::json as data from verdicts
    where kind = 'account' and event_type = 'payflow.account.opened.v1' and ${LOOKED}
    union all
    select tenant_id, livemode, typeid_uuid(data ->> 'id'), (data ->> 'version')::bigint, data
    from verdicts cross join lateral (select event_data::json as data) as told
    where kind = 'change' and event_type = 'payflow.account.updated.v1' and ${LOOKED}) as told
  order by tenant_id, livemode, id, version desc`;

/** Accounts that were opened before there were kinds, states and limits are what all were then. */
const ACCOUNTS_OTHERWISE = `
  select 'accounts/' || told.id || case when a.id is null then ' was opened and is gone'
    else ' is not on the terms that were told last' end as id
  from ${withRow(TOLD_ACCOUNTS, 'accounts', 'a')}
  where ${accountDiffers('a', 'told')}`;

/** Whatever becomes of a hold is told with the whole of it. */
const TOLD_HOLDS = `
  select distinct on (tenant_id, livemode, id) * from (${toldOfHolds('verdicts', `(${HOLD_EVENTS}) and ${LOOKED}`)}) as told
  order by tenant_id, livemode, id, version desc`;

const HOLDS_OTHERWISE = `
  select 'holds/' || told.id || case when h.id is null then ' was placed and is gone'
    else ' is not what was told of it last' end
  from ${withRow(TOLD_HOLDS, 'holds', 'h')}
  where h.id is null or h.version <> told.version or ${holdDiffers('h', 'told')} or ${placedOtherwise('h', 'told')}`;

/** How far a transfer was moved back is I5's; which one stands in its place says the group that put it there. */
const correctionsTold = (verdicts: string) => `
  select tenant_id, livemode, typeid_uuid(data ->> 'corrects') as id, typeid_uuid(data -> 'legs' -> 1 ->> 'id') as corrected_by_id
  from ${verdicts} as v cross join lateral (select event_data::json as data) as told
  where kind = 'group' and event_type = 'payflow.group.posted.v1' and event_data like '%"corrects":%'
    and data ->> 'corrects' is not null`;
const IS_CORRECTED = 'told.tenant_id = r.tenant_id and told.livemode = r.livemode and told.id = r.transfer_id';

const CORRECTED_OTHERWISE = `
  select case when r.corrected_by_id is distinct from told.corrected_by_id
    then 'transfers/' || told.id || ' is not corrected as was told' end as id
  from (${correctionsTold(TOLD_IN_STEP)}) as told
  left join lateral (select * from reversals r where ${IS_CORRECTED} limit 1) as r on true`;
const CORRECTED_BY_NOBODY = `
  select 'transfers/' || r.transfer_id || ' is not corrected as was told' as id from reversals r
  where r.corrected_by_id is not null and not exists (select from (${correctionsTold('verdicts')}) as told where ${IS_CORRECTED})`;

export const standingInFull = (bounds?: Bounds) =>
  inParts(
    otherwiseStandingAccounts(bounds),
    otherwiseStandingHolds(bounds),
    toldOnce(
      'ledger.I16.corrected',
      {
        told: CORRECTED_OTHERWISE,
        kept: 'select from reversals where corrected_by_id is not null',
        untold: CORRECTED_BY_NOBODY,
      },
      bounds?.step_verdicts,
    ),
  );

/** Whoever changes an overdraft's limit, or what is held, without the ledger has told nobody of it. */
export const allStandsAsTold = invariant({
  name: 'I16',
  owner: 'ledger',
  running: `${ACCOUNTS_OTHERWISE} union all ${HOLDS_OTHERWISE}`,
  full: standingInFull(),
});
