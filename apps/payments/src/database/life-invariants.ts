import { invariant, recentOutbox, type Invariant } from '@payflow/invariants';
import { ATTEMPT_TRANSITIONS } from '../domain/attempt-transitions.js';
import { FINAL_STATES, TRANSITIONS } from '../domain/transitions.js';
import { parked } from './parked.js';

/** What a sweeper looks after is taken within seconds; past this it has none, or that one stands still. */
const UNSWEPT = '40 seconds';
const LATE = '30 seconds';

const OF = (alias: string, payment: string) =>
  `${alias}.tenant_id = ${payment}.tenant_id and ${alias}.livemode = ${payment}.livemode and ${alias}.payment_id = ${payment}.id`;
const OF_OPERATION = (alias: string) =>
  `${alias}.tenant_id = o.tenant_id and ${alias}.livemode = o.livemode and ${alias}.operation_id = o.id`;
const IS_OPEN = `status not in ('succeeded', 'failed')`;
const FINAL = `(${FINAL_STATES.map((state) => `'${state}'`).join(', ')})`;

/**
 * By steps: a payment whose time is over has an end at work; and whatever is at work waits for a step that is swept, an attempt
 * that its worker has, its turn, or a person.
 */
export const STANDSTILLS = `
  select 'payments/' || p.id || ' is past its deadline' as id from payments p
  where (status in ('authorized', 'partially_captured') and authorized_until < clock_timestamp() - interval '${LATE}'
      or status = 'requires_action' and expires_at < clock_timestamp() - interval '${LATE}')
    and not exists (select from payment_operations o where ${OF('o', 'p')} and ${IS_OPEN} and (o.kind <> 'authorization' or o.status <> 'asking'))
    and not exists (${parked('p.tenant_id', 'p.id')})
  union all
  select 'payment_operations/' || o.id || ' waits for nothing' from payment_operations o
    join payments p on p.tenant_id = o.tenant_id and p.livemode = o.livemode and p.id = o.payment_id
  where o.${IS_OPEN} and o.updated_at < clock_timestamp() - interval '${UNSWEPT}' and not o.needs_attention
    and not exists (select from ledger_steps l where ${OF_OPERATION('l')} and l.status = 'asked' and l.updated_at >= clock_timestamp() - interval '${UNSWEPT}')
    and not exists (select from attempts a where ${OF_OPERATION('a')} and a.status in ('created', 'sending', 'unknown', 'requires_action'))
    -- Of a direct payment under way no operation is named that is there.
    and not (o.status = 'queued' and (p.status = 'processing' or exists (
      select from payment_operations n where n.tenant_id = p.tenant_id and n.livemode = p.livemode and n.id = p.operation_id and n.${IS_OPEN})))
    and not (o.kind = 'confirmation' and p.operation_id is not null)
    and not (o.kind = 'authorization' and p.operation_id is distinct from o.id and p.operation_id is not null)
    and not exists (${parked('o.tenant_id', 'o.payment_id')})
  union all
  select 'payments/' || p.id || ' is under way, and nothing is at work on it' from payments p
  where p.status = 'processing' and p.ledger_command_id is null and p.admission is distinct from 'in_review' and p.updated_at < clock_timestamp() - interval '${UNSWEPT}'
    and not exists (select from payment_operations o where ${OF('o', 'p')} and ${IS_OPEN})
    and not exists (${parked('p.tenant_id', 'p.id')})`;

/** Changes and ends that have no message in the transaction that wrote them; the query knows `since` and `sent`. */
export const UNTOLD_CHANGES = `
  select 'payments/' || t.payment_id || ' has no message' from since, changed p, payment_transitions t
  where ${OF('t', 'p')} and t.at >= since.at + interval '1 second' and not exists (
    select from sent s where s.xact_id = t.xact_id and s.subject = t.payment_id and s.version = t.version
      and s.type in ('payflow.payment.' || t.to_status || '.v1', 'payflow.payment.updated.v1'))
  union all
  select 'payment_operations/' || o.id || ' has no message' from since, payment_operations o
  where o.updated_at >= since.at + interval '1 second' and o.status in ('succeeded', 'failed') and o.kind in ('confirmation', 'increment', 'capture', 'cancellation', 'refund')
    and not exists (select from sent s where s.xact_id = o.xact_id and s.subject = o.id and s.type = 'payflow.' || o.kind || '.' || o.status || '.v1')`;

// Of the last minutes, or of all.
const window = (form: 'running' | 'full') => `
  with ${recentOutbox(form)},
  changed as (select p.* from since, payments p ${form === 'full' ? '' : 'where p.updated_at >= since.at'})`;

const sum = (what: string, from: string, where: string) =>
  `(select coalesce(sum(${what}), 0) from ${from} where ${where})`;

const sums = (form: 'running' | 'full') => `${window(form)}
  select 'payments/' || p.id || ' has sums that are not those of its operations' as id from changed p
  where p.amount_refunded_minor + p.amount_refunding_minor > p.amount_captured_minor
    or p.amount_captured_minor > p.amount_authorized_minor
    or p.amount_refunded_minor <> ${sum('o.amount_minor', 'payment_operations o', `${OF('o', 'p')} and o.kind = 'refund' and o.status = 'succeeded'`)}
    or p.amount_refunding_minor <> ${sum('o.amount_minor', 'payment_operations o', `${OF('o', 'p')} and o.kind = 'refund' and o.${IS_OPEN} and o.status <> 'queued'`)}
    or p.operation_id is null and p.amount_captured_minor <> case when p.ledger_command_id is not null then case p.status when 'succeeded' then p.amount_minor else 0 end
      else ${sum('l.amount_minor', 'ledger_steps l join payment_operations o on (o.tenant_id, o.livemode, o.id) = (l.tenant_id, l.livemode, l.operation_id)', `${OF('l', 'p')} and o.kind in ('authorization', 'capture') and l.command_type = 'payflow.hold.post.v1' and l.status = 'done'`)} end`;

const holds = (form: 'running' | 'full') => `${window(form)}
  select 'holds/' || l.hold_id || ' outlives its payment' as id from changed p join ledger_steps l on ${OF('l', 'p')}
  where p.status in ${FINAL} and l.hold_left_minor > 0
    and not exists (select from payment_operations o where ${OF('o', 'p')} and ${IS_OPEN})
  union all
  select 'holds/' || l.hold_id || ' was ended ' || count(*) || ' times' from changed p join ledger_steps l on ${OF('l', 'p')}
  where l.status = 'done' and (l.command_type = 'payflow.hold.void.v1' or l.command_type = 'payflow.hold.post.v1' and (l.command ->> 'final')::boolean)
  group by l.tenant_id, l.livemode, l.hold_id having count(*) > 1`;

const pairs = (ways: readonly { readonly from: string; readonly to: string }[]) =>
  ways.map(({ from, to }) => `('${from}', '${to}')`).join(', ');
const LEGAL = pairs(TRANSITIONS);
const LEGAL_OF_ATTEMPTS = pairs(ATTEMPT_TRANSITIONS);

// What was asked of providers for a payment, since there is a log of it.
const ASKED = `
  asked as (
    select a.tenant_id, a.livemode, a.id, a.status, a.version, a.traceparent
    from changed p join payment_operations o on ${OF('o', 'p')} join attempts a on ${OF_OPERATION('a')}
    where a.created_at >= coalesce((select max(at) from attempt_log_began), '-infinity'))`;
const OF_ATTEMPT = `t.tenant_id = a.tenant_id and t.livemode = a.livemode and t.attempt_id = a.id`;

const transitions = (form: 'running' | 'full') => `${window(form)},
  logged as (
    select p.id, p.status, p.version as last_version, t.version, t.from_status, t.to_status,
      lag(t.to_status, 1, 'processing') over (partition by p.tenant_id, p.livemode, p.id order by t.version) as left_as,
      row_number() over (partition by p.tenant_id, p.livemode, p.id order by t.version) as place
    from changed p join payment_transitions t on ${OF('t', 'p')}),
  ${ASKED},
  moved as (
    select a.id, t.version, t.from_status, t.to_status,
      lag(t.to_status, 1, 'created') over (partition by a.tenant_id, a.livemode, a.id order by t.version) as left_as,
      row_number() over (partition by a.tenant_id, a.livemode, a.id order by t.version) as place
    from asked a join attempt_transitions t on ${OF_ATTEMPT})
  select 'payments/' || id || ' went from ' || from_status || ' to ' || to_status || ' as its version ' || version as id from logged
  where (from_status, to_status) not in (values ${LEGAL}) or from_status <> left_as or version <> place
  union all
  select 'payments/' || p.id || ' is not as its log says' as id from changed p left join lateral (
    select t.version, t.to_status from payment_transitions t where ${OF('t', 'p')} order by t.version desc limit 1) as last on true
  where (p.version, p.status) is distinct from (coalesce(last.version, 0), coalesce(last.to_status, 'processing'))
  union all
  select 'attempts/' || id || ' went from ' || from_status || ' to ' || to_status || ' as its version ' || version from moved
  where (from_status <> to_status and (from_status, to_status) not in (values ${LEGAL_OF_ATTEMPTS})) or from_status <> left_as or version <> place
  union all
  select 'attempts/' || a.id || ' is not as its log says' from asked a left join lateral (
    select t.version, t.to_status from attempt_transitions t where ${OF_ATTEMPT} order by t.version desc limit 1) as last on true
  where (a.version, a.status) is distinct from (coalesce(last.version, 0), coalesce(last.to_status, 'created'))`;

const reasons = (form: 'running' | 'full') => `${window(form)},
  ${ASKED}
  select 'payments/' || t.payment_id || ' version ' || t.version || ' has no actor, reason or trace' as id
  from changed p join payment_transitions t on ${OF('t', 'p')}
  -- Of a damaged command the trace may be what cannot be read.
  where t.actor = '' or t.reason = '' or (t.trace_id is null and t.reason <> 'command_malformed')
  union all
  select 'attempts/' || t.attempt_id || ' version ' || t.version || ' has no actor, reason or trace'
  from asked a join attempt_transitions t on ${OF_ATTEMPT}
  where t.actor = '' or t.reason = '' or (t.trace_id is null and a.traceparent is not null)`;

const inBothForms = (name: Invariant['name'], query: (form: 'running' | 'full') => string): Invariant =>
  invariant({ name, owner: 'payments', running: query('running'), full: query('full') });

/** What must hold of the whole life of a payment. */
export const lifeInvariants: readonly Invariant[] = [
  inBothForms('I9', sums),
  inBothForms('I10', holds),
  inBothForms('I16', transitions),
  inBothForms('I32', reasons),
];
