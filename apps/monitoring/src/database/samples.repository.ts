import { statement, type Database } from '@payflow/database';
import type { ReaderPosition } from '@payflow/invariants';
import type { ReaderLag } from '../sampling/lags.js';

/** One service's minute so far. */
export interface ServiceMinute {
  readonly service: string;
  readonly samples: number;
  readonly readySamples: number;
  readonly outboxAge_s: number | null;
  readonly violations: number | null;
}

const KEPT = '30 days';

const SAVE_LAGS = statement(
  'samples.save-lags',
  `insert into lag_minutes as m (minute, consumer_group, topic, partition, next_offset, lag_messages_max, lag_seconds_max)
   select $1::timestamptz, * from unnest($2::text[], $3::text[], $4::integer[], $5::bigint[], $6::bigint[], $7::real[])
   on conflict (minute, consumer_group, topic, partition) do update set next_offset = greatest(m.next_offset, excluded.next_offset),
     lag_messages_max = greatest(m.lag_messages_max, excluded.lag_messages_max), lag_seconds_max = greatest(m.lag_seconds_max, excluded.lag_seconds_max)`,
);

const SAVE_SERVICES = statement(
  'samples.save-services',
  `insert into service_minutes as m (minute, service, samples, ready_samples, outbox_age_seconds_max, violations_max)
   select $1::timestamptz, * from unnest($2::text[], $3::integer[], $4::integer[], $5::real[], $6::bigint[])
   on conflict (minute, service) do update set samples = m.samples + excluded.samples, ready_samples = m.ready_samples + excluded.ready_samples,
     outbox_age_seconds_max = greatest(m.outbox_age_seconds_max, excluded.outbox_age_seconds_max),
     violations_max = greatest(m.violations_max, excluded.violations_max)`,
);

const PRUNE = ['lag_minutes', 'service_minutes', 'payment_minutes'].map((table) =>
  statement(
    `samples.prune-${table.replace('_', '-')}`,
    `delete from ${table} where minute < statement_timestamp() - interval '${KEPT}'`,
  ),
);

const LAST_PLACES = statement(
  'samples.last-places',
  `select distinct on (consumer_group, topic, partition) consumer_group as "group", topic, partition, next_offset::float8 as next_offset,
     null as stopped_reason, minute
   from lag_minutes where minute > statement_timestamp() - interval '1 day' order by consumer_group, topic, partition, minute desc`,
);

export async function saveMinute(
  db: Database,
  minute: Date,
  lags: readonly ReaderLag[],
  services: readonly ServiceMinute[],
): Promise<void> {
  const known = lags.filter(({ lag_messages }) => lag_messages !== null);
  await db.transaction(async (tx) => {
    await Promise.all([
      tx.rows(SAVE_LAGS, [
        minute,
        known.map(({ group }) => group),
        known.map(({ topic }) => topic),
        known.map(({ partition }) => partition),
        known.map(({ next_offset }) => next_offset),
        known.map(({ lag_messages }) => lag_messages),
        known.map(({ lag_seconds }) => lag_seconds),
      ]),
      tx.rows(SAVE_SERVICES, [
        minute,
        services.map(({ service }) => service),
        services.map(({ samples }) => samples),
        services.map(({ readySamples }) => readySamples),
        services.map(({ outboxAge_s }) => outboxAge_s),
        services.map(({ violations }) => violations),
      ]),
    ]);
  });
}

/** Where readers were when they were last seen: of a service that is down now, all that can be known. */
export async function lastPlaces(db: Database): Promise<(ReaderPosition & { readonly minute: Date })[]> {
  return db.rows<ReaderPosition & { minute: Date }>(LAST_PLACES);
}

/** Removes minutes past their keeping. */
export async function pruneMinutes(db: Database): Promise<void> {
  for (const table of PRUNE) await db.count(table);
}
