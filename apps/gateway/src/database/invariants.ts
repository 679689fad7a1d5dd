import type { MessageType } from '@payflow/contracts';
import {
  invariant,
  noOldOutboxRow,
  noSecrets,
  oneMarkPerMessage,
  recentOutbox,
  type Invariant,
} from '@payflow/invariants';

/** A payment has 24 h from its acceptance, and everything waiting is published again after 30 s, by a round every 5 s. */
const DEADLINE = `interval '24 hours 30 seconds'`;
const UNSWEPT = `interval '65 seconds'`;
/** The newest views of each tenant that the running check looks at. */
const RECENT_VIEWS = 200;

const hasView = (table: string) => `
  exists (select from ${table} v where v.tenant_id = w.tenant_id and v.livemode = w.livemode and v.id = w.resource_id)`;

/** What waits for a view's end. Of a group's transfer, the group does; a change has no view of its own. */
interface Unfinished {
  readonly table: string;
  readonly unfinished: string;
  readonly waits: string;
}

const VIEWS: readonly Unfinished[] = [
  { table: 'payment_views', unfinished: `'pending'`, waits: `(v.id, 'payment')` },
  {
    table: 'transfer_views',
    unfinished: `'pending'`,
    waits: `(coalesce(v.group_id, v.id), case when v.group_id is null then 'transfer' else 'group' end)`,
  },
  { table: 'hold_views', unfinished: `'requested'`, waits: `(v.id, 'hold')` },
];
/** No index finds the newest of these: the running check sees groups by their transfers, the full one all by themselves too. */
const UNLISTED: readonly Unfinished[] = [
  { table: 'transfer_group_views', unfinished: `'pending'`, waits: `(v.id, 'group')` },
  { table: 'payment_operation_views', unfinished: `'pending'`, waits: `(v.id, v.kind)` },
];

const isWaitedFor = ({ table, unfinished, waits }: Unfinished, views: string) => `
  select '${table}/' || v.id || ' is waited for by nobody' from ${views} as v
  where v.status in (${unfinished}) and not exists (
    select from pending_writes w where w.tenant_id = v.tenant_id and w.livemode = v.livemode
      and (w.resource_id, w.resource_kind) = ${waits})`;

/** A bulk waits for its writes, and for as many as it says. */
const BULK_WAITS = `
  union all
  select 'transfer_bulk_views/' || b.id || ' waits for ' || b.pending || ', and ' || count(w) || ' are pending'
  from transfer_bulk_views b left join pending_writes w on w.tenant_id = b.tenant_id and w.livemode = b.livemode and w.bulk_id = b.id
  group by b.tenant_id, b.livemode, b.id having b.pending <> count(w)`;

/** An acknowledged write is there, and as long as it has not ended, something waits for its end. */
const nothingForgotten = (of: readonly Unfinished[], views: (table: string) => string) => `
  select 'pending_writes/' || w.resource_id || ' has no ' || w.resource_kind as id from pending_writes w
  where not case w.resource_kind when 'payment' then ${hasView('payment_views')} when 'account' then ${hasView('account_views')}
    when 'transfer' then ${hasView('transfer_views')} when 'group' then ${hasView('transfer_group_views')}
    when 'hold' then ${hasView('hold_views')} when 'change' then true else ${hasView('payment_operation_views')} end
  ${of.map((one) => `union all ${isWaitedFor(one, views(one.table))}`).join('')}`;

const newest = (table: string) => `(
  select newest.* from (select id from tenants union select test_space from tenants where test_space is not null) as t cross join (values (true), (false)) as mode (livemode) cross join lateral (
    select * from ${table} p
    where p.tenant_id = t.id and p.livemode = mode.livemode and p.created_at > statement_timestamp() - interval '10 minutes'
    order by created_at desc limit ${RECENT_VIEWS}) as newest)`;

const acknowledgedIsKept = invariant({
  name: 'I11',
  owner: 'gateway',
  running: nothingForgotten(VIEWS, newest),
  full: nothingForgotten([...VIEWS, ...UNLISTED], (table) => table) + BULK_WAITS,
});

const nothingStaysBehind = invariant({
  name: 'I15',
  owner: 'gateway',
  running: `
    select 'pending_writes/' || resource_id || case when accepted_at < clock_timestamp() - ${DEADLINE} then ' is past its deadline' else ' is not swept' end as id
    from pending_writes
    where accepted_at < clock_timestamp() - ${DEADLINE}
      or coalesce(republished_at, accepted_at) < clock_timestamp() - ${UNSWEPT}`,
});

const COMMANDS: readonly MessageType[] = [
  'payflow.payment.create.v1',
  'payflow.payment.confirm.v1',
  'payflow.payment.increment.v1',
  'payflow.payment.capture.v1',
  'payflow.payment.cancel.v1',
  'payflow.payment.refund.v1',
  'payflow.account.open.v1',
  'payflow.account.update.v1',
  'payflow.asset.define.v1',
  'payflow.group.post.v1',
  'payflow.conversion.post.v1',
  'payflow.transfer.reverse.v1',
  'payflow.transfer.correct.v1',
  'payflow.transfer.update.v1',
  'payflow.hold.place.v1',
  'payflow.hold.post.v1',
  'payflow.hold.void.v1',
  'payflow.dispute.submit_evidence.v1',
];

/** A key is taken, its command written and the wait for it noted in one transaction. Keys are kept a little shorter than the outbox. */
const changesAreTold = (form: 'running' | 'full') => `
  with ${recentOutbox(form)},
  taken as materialized (
    select r.* from since, idempotency_records r where r.created_at >= since.at - interval '1 minute')
  select 'idempotency_records/' || t.resource_id || ' has no message' as id from since, taken t
  where t.created_at >= since.at and t.resource_kind not in ('bulk', 'payment_bulk', 'own') and t.copy_of is null and not exists (
    select from sent s where s.xact_id = t.xact_id and t.resource_id in (s.subject, s.event_id))
  union all
  select 'transfer_bulk_views/' || t.resource_id || ' has not as many messages as commands' from since, taken t
    left join transfer_bulk_views b on b.tenant_id = t.tenant_id and b.livemode = t.livemode and b.id = t.resource_id
    left join (select xact_id, count(*) as messages from sent group by xact_id) as told on told.xact_id = t.xact_id
  where t.created_at >= since.at and t.resource_kind = 'bulk' and t.copy_of is null and coalesce(told.messages, 0) is distinct from b.commands
  union all
  select 'events/' || s.event_id || ' has no change' from sent s
  where s.type = 'payflow.payment.notice.v1' and not exists (
    select from provider_webhooks w where w.event_id = s.event_id and w.xact_id = s.xact_id)
  union all
  select 'provider_webhooks/' || w.webhook_id || ' has no message' from since, provider_webhooks w
  where w.received_at >= since.at + interval '1 minute' and not exists (
    select from sent s where s.xact_id = w.xact_id and s.event_id = w.event_id)
  union all
  select 'events/' || s.event_id || ' has no change' from sent s
  where s.type in (${COMMANDS.map((type) => `'${type}'`).join(', ')})
    and uuid_time(s.event_id) > clock_timestamp() - interval '7 days'
    and not exists (select from taken t where t.xact_id = s.xact_id and t.resource_kind = 'bulk')
    and not exists (select from taken t where t.xact_id = s.xact_id and t.resource_id in (s.subject, s.event_id))`;

const everyChangeIsTold = invariant({
  name: 'I18',
  owner: 'gateway',
  running: changesAreTold('running'),
  full: changesAreTold('full'),
});

const KEPT = `select 'idempotency_records/' || resource_id as id, concat_ws(' ', idempotency_key, reply_body) as content from idempotency_records`;

/** What must always hold in the gateway's database. */
export const invariants: readonly Invariant[] = [
  acknowledgedIsKept,
  nothingStaysBehind,
  everyChangeIsTold,
  oneMarkPerMessage('gateway', 'marks_began'),
  noOldOutboxRow('gateway'),
  // Views repeat what was sent as a command or heard as an event.
  noSecrets('gateway', [
    { running: `(${KEPT} where created_at > statement_timestamp() - interval '5 minutes' limit 300)`, full: KEPT },
    ...(
      [
        ['payment_views', `concat_ws(' ', reference, metadata::text, method::text)`],
        ['payment_operation_views', `concat_ws(' ', reason, metadata::text)`],
        ['account_views', `concat_ws(' ', path, metadata::text)`],
        ['transfer_views', 'metadata::text'],
        ['transfer_group_views', 'metadata::text'],
      ] as const
    ).map(([table, content]) => ({ table, id: `'${table}/' || id`, content })),
    { full: `select 'unit_views/' || code as id, name as content from unit_views` },
    { full: `select 'api_keys/' || id as id, name as content from api_keys` },
    { full: `select 'users/' || id as id, concat_ws(' ', email, name) as content from users` },
    { full: `select 'sessions/' || id as id, user_agent as content from sessions` },
  ]),
];
