import { MESSAGES, TOPICS, type MessageType } from '@payflow/contracts';
import { moneyOfDisputesMovesOnce, UNMOVED } from './dispute-invariants.js';
import { invariant, noOldOutboxRow, noSecrets, recentOutbox, type Invariant } from '@payflow/invariants';
import { ATTEMPT_TEXTS, noAttemptIsForgotten } from './attempt-invariants.js';
import { STANDSTILLS, UNTOLD_CHANGES, lifeInvariants } from './life-invariants.js';
import { parked } from './parked.js';

/** What is asked of payments, as an array of SQL: of the types that begin like their events. */
const PAYMENT_COMMANDS = `array[${(Object.keys(MESSAGES) as MessageType[])
  .filter((type) => TOPICS[MESSAGES[type].topic].kind === 'commands' && type.startsWith('payflow.payment.'))
  .map((type) => `'${type}'`)
  .join(', ')}]`;

/** The sweeper takes whatever has waited 10 s, every 2 s; thirty more is late by any measure. */
const UNSWEPT = '40 seconds';

const nothingStaysBehind = invariant({
  name: 'I15',
  owner: 'payments',
  running: `
    select 'payments/' || id || case when expires_at < clock_timestamp() - interval '30 seconds' then ' is past its deadline' else ' is not swept' end as id
    from payments
    where status = 'processing' and ledger_command_id is not null
      and (expires_at < clock_timestamp() - interval '30 seconds'
        -- What waits for a human waits as long as it may.
        or (admission is distinct from 'in_review' and updated_at < clock_timestamp() - interval '${UNSWEPT}'))
      and not exists (${parked('payments.tenant_id', 'payments.id')})
    union all ${STANDSTILLS}
    union all
    select 'reviews/' || id || ' is past its deadline' from reviews
    where status = 'open' and expires_at < clock_timestamp() - interval '${UNSWEPT}'
      and not exists (${parked('reviews.tenant_id', 'reviews.id')})
    union all ${UNMOVED}`,
});

/**
 * A direct payment that waits has sent its ledger command or told of its review, a payment that changed its event, an operation that ended its own,
 * in the transaction that wrote it; and each of these messages names a change that was made, or a step that was taken. A sweep
 * asks and changes nothing.
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
  where p.status = 'processing' and p.ledger_command_id is not null and p.operation_id is null and not exists (
    select from told t where t.xact_id = p.xact_id and t.subject = p.id and (t.event_id = p.ledger_command_id
      or (p.admission = 'in_review' and t.type = 'payflow.review.opened.v1')))
  union all ${UNTOLD_CHANGES}
  union all
  select 'events/' || s.event_id || ' has no change' from sent s
  where s.type like 'payflow.payment.%' and s.type <> all (${PAYMENT_COMMANDS}) and not exists (
    select from payment_transitions t where t.tenant_id = s.tenant and t.livemode = s.livemode and t.payment_id = s.subject
      and t.xact_id = s.xact_id and t.version = s.version)
  union all
  select 'events/' || s.event_id || ' has no change' from sent s
  where s.type in ('payflow.transfer.post.v1', 'payflow.group.post.v1', 'payflow.hold.place.v1', 'payflow.hold.post.v1',
      'payflow.hold.void.v1') and not exists (
    select from payments p where p.tenant_id = s.tenant and p.livemode = s.livemode and p.id = s.subject and p.ledger_command_id = s.event_id)
    and not exists (select from ledger_steps l where l.command_id = s.event_id)
    and not exists (select from dispute_legs l where l.command_id = s.event_id)`;

const everyChangeIsTold = invariant({
  name: 'I18',
  owner: 'payments',
  running: changesAreTold('running'),
  full: changesAreTold('full'),
});

/**
 * The row of a payment bears the marks of what made it and of what ended it, a step that of its verdict: each for it alone. A
 * change bears the mark of the message that led to it, in the transaction of its event.
 */
const marksAreOne = (form: 'running' | 'full') => `
  with ${recentOutbox(form)},
  marks as (
    select m.mark, 'payments' as marked, p.id::text as bearer from since, payments p cross join lateral (values (p.create_command_id), (p.verdict_event_id)) as m (mark)
    where m.mark is not null ${form === 'full' ? '' : 'and p.updated_at >= since.at'}
    union all
    select l.verdict_event_id, 'steps', l.operation_id || ' ' || l.step from since, payment_operations o join ledger_steps l on (l.tenant_id, l.livemode, l.operation_id) = (o.tenant_id, o.livemode, o.id)
    where l.verdict_event_id is not null ${form === 'full' ? '' : 'and o.updated_at >= since.at'})
  select 'events/' || mark || ' marks ' || count(distinct bearer) || ' ' || marked as id from marks group by mark, marked
  having count(distinct bearer) > 1
  union all
  select 'events/' || s.event_id || ' has no mark of its transaction' from sent s
  where s.type like 'payflow.payment.%' and s.type <> all (${PAYMENT_COMMANDS}) and not exists (
    select from payment_transitions t where t.tenant_id = s.tenant and t.livemode = s.livemode and t.payment_id = s.subject
      and t.version = s.version and t.cause_event_id = s.causation and t.xact_id = s.xact_id)
  union all
  select 'events/' || s.event_id || ' is not by the verdict on its payment' from sent s
  where s.type in ('payflow.payment.succeeded.v1', 'payflow.payment.failed.v1') and s.version = 1 and exists (
    select from payments p where p.tenant_id = s.tenant and p.livemode = s.livemode and p.id = s.subject
      and p.ledger_command_id is not null and p.verdict_event_id is distinct from s.causation)`;

const oneMarkPerEffect = invariant({
  name: 'I20',
  owner: 'payments',
  running: marksAreOne('running'),
  full: marksAreOne('full'),
});

const FREE_TEXT = {
  table: 'payments',
  id: `'payments/' || id`,
  content: `concat_ws(' ', reference, metadata::text, method::text)`,
};

/** The running form looks at the windows of the thousand payments that were changed last. */
const limitsAddUp = (form: 'running' | 'full') => `
  with changed as materialized (
    select tenant_id, livemode, id, status from payments where admission is not null
    ${form === 'full' ? '' : "and updated_at > clock_timestamp() - interval '2 minutes' order by updated_at desc limit 1000"}),
  reserved as materialized (
    select r.*, c.status as payment_status
    from changed c join limit_reservations r on r.tenant_id = c.tenant_id and r.livemode = c.livemode and r.payment_id = c.id),
  looked as (
    ${
      form === 'full'
        ? 'select * from limit_uses where window_start > to_timestamp(0)'
        : `select u.* from limit_uses u join (select distinct tenant_id, livemode, limit_id, subject, window_start from reserved
             where window_start > to_timestamp(0)) as w using (tenant_id, livemode, limit_id, subject, window_start)`
    })
  select 'limit_uses/' || u.limit_id || '/' || u.subject || '/' || u.window_start as id
  from looked u cross join lateral (
    select coalesce(sum(r.amount_minor) filter (where r.status = 'reserved'), 0) as reserved,
      coalesce(sum(r.used_minor) filter (where r.status = 'used'), 0) as used
    from limit_reservations r
    where r.tenant_id = u.tenant_id and r.livemode = u.livemode and r.limit_id = u.limit_id and r.subject = u.subject
      and r.window_start = u.window_start and r.status <> 'released') as s
  where u.reserved_minor <> s.reserved or u.used_minor <> s.used or u.reserved_minor + u.used_minor > u.allowed_minor
  union all
  -- Nothing stays reserved for a payment that has ended.
  select 'limit_reservations/' || payment_id from reserved
  where status = 'reserved' and payment_status in ('succeeded', 'failed', 'canceled', 'expired')`;

const limitsAreKept = invariant({
  name: 'I40',
  owner: 'payments',
  running: limitsAddUp('running'),
  full: limitsAddUp('full'),
});

/** What must always hold in the payments database. */
export const invariants: readonly Invariant[] = [
  nothingStaysBehind,
  everyChangeIsTold,
  oneMarkPerEffect,
  noAttemptIsForgotten,
  ...lifeInvariants,
  moneyOfDisputesMovesOnce,
  limitsAreKept,
  noOldOutboxRow('payments'),
  noSecrets('payments', [
    {
      ...FREE_TEXT,
      running: `(select ${FREE_TEXT.id} as id, ${FREE_TEXT.content} as content from payments order by updated_at desc limit 300)`,
    },
    ...ATTEMPT_TEXTS,
  ]),
];
