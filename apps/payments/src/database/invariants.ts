import { invariant, noOldOutboxRow, noSecrets, recentOutbox, type Invariant } from '@payflow/invariants';
import { ATTEMPT_TEXTS, noAttemptIsForgotten } from './attempt-invariants.js';

/** The sweeper takes whatever has waited 10 s, every 2 s; thirty more is late by any measure. */
const UNSWEPT = '40 seconds';

const nothingStaysBehind = invariant({
  name: 'I15',
  owner: 'payments',
  running: `
    select 'payments/' || id || case when expires_at < clock_timestamp() - interval '30 seconds' then ' is past its deadline' else ' is not swept' end as id
    from payments
    where status = 'processing'
      and (expires_at < clock_timestamp() - interval '30 seconds' or updated_at < clock_timestamp() - interval '${UNSWEPT}')
      and not exists (select from parked_subjects p where typeid_uuid(p.tenant) = tenant_id and typeid_uuid(p.record_key) = payments.id)`,
});

/**
 * A payment that waits has sent its ledger command, one that has ended its final event, in the transaction that wrote it;
 * and each of these messages names a payment that is, or has been, in that state. A sweep asks and changes nothing.
 */
const changesAreTold = (form: 'running' | 'full') => `
  with ${recentOutbox(form)},
  changed as materialized (
    select p.* from since, payments p where p.updated_at >= since.at + interval '1 second'),
  told as materialized (
    select o.xact_id, m -> 'message' ->> 'type' as type, typeid_uuid(m -> 'message' ->> 'id') as event_id,
      typeid_uuid(m -> 'message' ->> 'subject') as subject, (m -> 'message' ->> 'aggregateVersion')::bigint as version
    from since, outbox o, json_array_elements(o.messages::json) as m
    -- The payment's time is the database's, the outbox row's the process's: the clocks may differ.
    where o.id >= uuid_floor(since.at - interval '10 minutes') and o.xact_id in (select xact_id from changed))
  select 'payments/' || p.id || ' has no message' as id from changed p
  where not exists (
    select from told t where t.xact_id = p.xact_id and t.subject = p.id and case when p.status = 'processing'
      then t.event_id = p.ledger_command_id
      else t.type = 'payflow.payment.' || p.status || '.v1' and t.version = p.version end)
  union all
  select 'events/' || s.event_id || ' has no change' from sent s
  where s.type in ('payflow.payment.succeeded.v1', 'payflow.payment.failed.v1') and not exists (
    select from payments p where p.tenant_id = s.tenant and p.livemode = s.livemode and p.id = s.subject
      and p.xact_id = s.xact_id and s.type = 'payflow.payment.' || p.status || '.v1' and p.version = s.version)
  union all
  select 'events/' || s.event_id || ' has no change' from sent s
  where s.type = 'payflow.transfer.post.v1' and not exists (
    select from payments p where p.tenant_id = s.tenant and p.livemode = s.livemode and p.id = s.subject and p.ledger_command_id = s.event_id)`;

const everyChangeIsTold = invariant({
  name: 'I18',
  owner: 'payments',
  running: changesAreTold('running'),
  full: changesAreTold('full'),
});

/** The row of a payment bears the marks of what made it and of what ended it: each for this payment alone, and in its transaction. */
const marksAreOne = (form: 'running' | 'full') => `
  with ${recentOutbox(form)},
  marks as (
    select m.mark, p.id from since, payments p cross join lateral (values (p.create_command_id), (p.verdict_event_id)) as m (mark)
    where m.mark is not null ${form === 'full' ? '' : 'and p.updated_at >= since.at'})
  select 'events/' || mark || ' marks ' || count(*) || ' payments' as id from marks group by mark having count(*) > 1
  union all
  select 'events/' || s.event_id || ' has no mark of its transaction' from sent s
  where s.type in ('payflow.payment.succeeded.v1', 'payflow.payment.failed.v1') and not exists (
    select from payments p where p.tenant_id = s.tenant and p.livemode = s.livemode and p.id = s.subject
      and p.verdict_event_id = s.causation and p.xact_id = s.xact_id)`;

const oneMarkPerEffect = invariant({
  name: 'I20',
  owner: 'payments',
  running: marksAreOne('running'),
  full: marksAreOne('full'),
});

const FREE_TEXT = `select 'payments/' || id as id, concat_ws(' ', reference, metadata::text, method::text) as content from payments`;

/** What must always hold in the payments database. */
export const invariants: readonly Invariant[] = [
  nothingStaysBehind,
  everyChangeIsTold,
  oneMarkPerEffect,
  noAttemptIsForgotten,
  noOldOutboxRow('payments'),
  noSecrets('payments', [
    { running: `(${FREE_TEXT} order by updated_at desc limit 1000)`, full: FREE_TEXT },
    ...ATTEMPT_TEXTS,
  ]),
];
