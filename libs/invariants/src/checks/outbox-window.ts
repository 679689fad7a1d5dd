/**
 * Messages that a running check reads, and those of one row more: everything of the last minutes at little load, the newest at
 * full load. A message costs up to 1 ms to take apart and look up on a busy machine: a check ends within a second or so, and
 * rests by how long it took, so that a smaller window is looked at more often.
 */
export const WINDOW_MESSAGES_MAX = 1_000;
const SPAN = '10 minutes';

/**
 * Common table expressions `since` (`at`, `first_xact`) and `sent` (`xact_id`, `event_id`, `type`, `subject`, `tenant`,
 * `livemode`, `causation`, `version`, `value`) over the messages in the outbox rows of the window. An event id is never younger than the outbox
 * row that carries it, so whatever changed under an event id of the window has its row within the window.
 * `full`: over everything that the outbox still keeps; it is dropped by whole days.
 */
export function recentOutbox(form: 'running' | 'full'): string {
  return `
    moment as materialized (select ${form === 'full' ? OLDEST_KEPT : RECENT} as at),
    since as materialized (select at, ${form === 'full' ? `'0'::xid8` : FIRST_XACT} as first_xact from moment),
    sent as materialized (
      select o.xact_id, typeid_uuid(x.id) as event_id, x.type, typeid_uuid(x.subject) as subject, typeid_uuid(x.tenant) as tenant,
        x.livemode, typeid_uuid(x."causationId") as causation, x."aggregateVersion" as version, p.value
      from since, outbox o cross join lateral json_to_recordset(o.messages::json) as p (message json, value text)
        cross join lateral json_to_record(p.message) as x (id text, type text, subject text, tenant text, livemode boolean,
          "causationId" text, "aggregateVersion" bigint)
      where o.id >= uuid_floor(since.at))`;
}

const RECENT = `greatest(clock_timestamp() - interval '${SPAN}', coalesce((
  select uuid_time(id) from (
    select id, sum(message_count) over (order by id desc) as messages
    from (select id, message_count from outbox order by id desc limit ${WINDOW_MESSAGES_MAX + 1}) as newest) as counted
  where messages > ${WINDOW_MESSAGES_MAX} order by id desc limit 1), '-infinity'))`;

/** Days that are dropped by no upkeep, whenever it last came round: one is kept until its end is as many days past. */
const DAYS_KEPT = 8;

/**
 * Where the oldest day that was not dropped begins, with a minute for clocks that differ. One that stays for a row which was never
 * sent says nothing of those after it, which are gone. Null where there is no outbox, and nothing to ask for.
 */
const OLDEST_KEPT = `(select min(greatest(to_date(right(c.relname, 8), 'YYYYMMDD'),
    (clock_timestamp() at time zone 'UTC')::date - ${DAYS_KEPT}))::timestamp at time zone 'UTC' + interval '1 minute'
  from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'outbox'::regclass)`;

/** Transactions before it have no row in the window; an index over transaction ids then finds what has changed. */
const FIRST_XACT = `coalesce(
  (select min(xact_id) from outbox where id >= uuid_floor(moment.at)),
  (select xact_id from outbox order by id desc limit 1), '0')`;
