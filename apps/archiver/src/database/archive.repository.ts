import { MESSAGES, fromUuid, uuidOf, type AnyMessage } from '@payflow/contracts';
import { statement, Unnested, type Transaction } from '@payflow/database';
import { talliesByDay } from '@payflow/messaging';
import { idTimeOf, instantOf, isUndated, monthOf } from './id-time.js';

const EVENTS = new Unnested<AnyMessage>([
  ['tenant_id', 'uuid', ({ tenant }) => uuidOf('tenant', tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['event_id', 'uuid', ({ id }) => uuidOf('event', id)],
  ['id_time', 'timestamptz', ({ id }) => idTimeOf(id)],
  ['topic', 'text', ({ type }) => MESSAGES[type].topic],
  ['type', 'text', ({ type }) => type],
  ['subject', 'text', ({ subject }) => subject],
  ['aggregate_version', 'bigint', ({ aggregateVersion }) => aggregateVersion],
  ['occurred_at', 'timestamptz', ({ time }) => instantOf(time)],
  ['causation_id', 'text', ({ causationId }) => causationId],
  ['correlation_id', 'text', ({ correlationId }) => correlationId],
  ['actor', 'text', ({ actor }) => actor],
  ['traceparent', 'text', ({ traceparent }) => traceparent ?? null],
  ['data', 'json', ({ data }) => JSON.stringify(data)],
]);

// Sorted, so that two partitions that meet copies of the same events wait for each other and never in a circle.
const INSERT = statement(
  'archive.insert-events',
  `insert into archived_events (${EVENTS.names}) select * from ${EVENTS.from()}
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
  const ensured = ensureMonths(
    tx,
    events.map(({ id }) => idTimeOf(id)),
  );
  const inserted = [...EVENTS.batches(events)].map((values) => tx.rows<{ event_id: string }>(INSERT, values));
  const [rows] = await Promise.all([Promise.all(inserted), ensured]);
  return new Set(rows.flat().map((row) => fromUuid('event', row.event_id)));
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
