import { MESSAGES, fromUuid, uuidOf, type AnyMessage } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { talliesByDay } from '@payflow/messaging';
import { idTimeOf, instantOf, isUndated, monthOf } from './id-time.js';

// Sorted, so that two partitions that meet copies of the same events wait for each other and never in a circle.
const INSERT = statement(
  'archive.insert-events',
  `insert into archived_events (tenant_id, livemode, event_id, id_time, topic, type, subject, aggregate_version, occurred_at,
     causation_id, correlation_id, actor, traceparent, data)
   select * from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::bigint[],
     $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::text[], $14::json[])
   order by 1, 2, 3
   on conflict do nothing returning event_id`,
);

const TALLY = statement(
  'archive.tally',
  `insert into archived_tallies as t (topic, type, day, slot, messages, id_sum)
   select topic, type, day, pg_backend_pid() % 16, messages, id_sum
   from unnest($1::text[], $2::text[], $3::date[], $4::bigint[], $5::bigint[]) as n (topic, type, day, messages, id_sum)
   order by topic, type, day
   on conflict (topic, type, day, slot)
   do update set messages = t.messages + excluded.messages, id_sum = (t.id_sum + excluded.id_sum) % (1::bigint << 48)`,
);

const ENSURE_MONTHS = statement(
  'archive.ensure-months',
  'select ensure_archive_month(month) from unnest($1::timestamptz[]) as month',
);

/** Stores events that are not stored yet. Returns the ids of those that were new. */
export async function archiveEvents(tx: Transaction, events: readonly AnyMessage[]): Promise<Set<string>> {
  const idTimes = events.map(({ id }) => idTimeOf(id));
  const ensured = ensureMonths(tx, idTimes);
  const inserted = tx.rows<{ event_id: string }>(INSERT, [
    events.map(({ tenant }) => uuidOf('tenant', tenant)),
    events.map(({ livemode }) => livemode),
    events.map(({ id }) => uuidOf('event', id)),
    idTimes,
    events.map(({ type }) => MESSAGES[type].topic),
    events.map(({ type }) => type),
    events.map(({ subject }) => subject),
    events.map(({ aggregateVersion }) => aggregateVersion),
    events.map(({ time }) => instantOf(time)),
    events.map(({ causationId }) => causationId),
    events.map(({ correlationId }) => correlationId),
    events.map(({ actor }) => actor),
    events.map(({ traceparent }) => traceparent ?? null),
    events.map(({ data }) => JSON.stringify(data)),
  ]);
  const [rows] = await Promise.all([inserted, ensured]);
  return new Set(rows.map((row) => fromUuid('event', row.event_id)));
}

/** Adds newly stored events to the sums by type and day, with COMMIT. */
export function tallyArchived(tx: Transaction, events: readonly AnyMessage[]): void {
  const types = [...new Set(events.map(({ type }) => type))];
  const rows = types.flatMap((type) =>
    [...talliesByDay(events.filter((event) => event.type === type).map(({ id }) => id))].map(([day, tally]) => ({
      type,
      day,
      ...tally,
    })),
  );
  if (rows.length === 0) return;
  tx.atCommit(TALLY, [
    rows.map(({ type }) => MESSAGES[type].topic),
    rows.map(({ type }) => type),
    rows.map(({ day }) => day),
    rows.map(({ messages }) => messages),
    rows.map(({ idSum }) => idSum),
  ]);
}

/** A partition for every month in the batch. Asked each time: what a rolled-back transaction made must not be remembered. */
async function ensureMonths(tx: Transaction, idTimes: readonly Date[]): Promise<void> {
  const months = new Map(idTimes.filter((time) => !isUndated(time)).map((time) => [monthOf(time), time]));
  await tx.rows(ENSURE_MONTHS, [[...months.values()]]);
}
