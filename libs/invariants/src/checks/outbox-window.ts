/** Outbox rows that a running check reads: some thousand messages at full load, everything of the last minutes at little. */
const ROWS_MAX = 50;
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
      select o.xact_id, typeid_uuid(m -> 'message' ->> 'id') as event_id, m -> 'message' ->> 'type' as type,
        typeid_uuid(m -> 'message' ->> 'subject') as subject, typeid_uuid(m -> 'message' ->> 'tenant') as tenant,
        (m -> 'message' ->> 'livemode')::boolean as livemode, typeid_uuid(m -> 'message' ->> 'causationId') as causation, (m -> 'message' ->> 'aggregateVersion')::bigint as version,
        m ->> 'value' as value
      from since, outbox o, json_array_elements(o.messages::json) as m
      where o.id >= uuid_floor(since.at))`;
}

const RECENT = `greatest(clock_timestamp() - interval '${SPAN}',
  coalesce((select uuid_time(id) from outbox order by id desc offset ${ROWS_MAX} limit 1), '-infinity'))`;

/** Where the oldest day that was not dropped begins, with a minute for clocks that differ. */
const OLDEST_KEPT = `(select min(to_date(right(c.relname, 8), 'YYYYMMDD'))::timestamp at time zone 'UTC' + interval '1 minute'
  from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'outbox'::regclass)`;

/** Transactions before it have no row in the window; an index over transaction ids then finds what has changed. */
const FIRST_XACT = `coalesce(
  (select min(xact_id) from outbox where id >= uuid_floor(moment.at)),
  (select xact_id from outbox order by id desc limit 1), '0')`;
