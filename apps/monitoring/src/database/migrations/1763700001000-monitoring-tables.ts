import { SqlMigration } from '@payflow/database';

/**
 * Series by the minute. They are about the installation, not about a tenant, so no tenant leads their keys.
 * New tables only: locks nothing that exists.
 */
export class MonitoringTables1763700001000 extends SqlMigration {
  readonly sql = `
-- Payments by the minute in which they ended. The counts are a histogram of the time from acceptance to the end
-- (bounds in latency.ts), from which any percentile of any span of minutes follows.
create table payment_minutes (
  minute timestamptz not null,
  status text not null,
  payments bigint not null check (payments >= 0),
  latency_counts bigint[] not null,
  primary key (minute, status)
) with (fillfactor = 50);

create table lag_minutes (
  minute timestamptz not null,
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  next_offset bigint not null,
  lag_messages_max bigint not null,
  lag_seconds_max real not null,
  primary key (minute, consumer_group, topic, partition)
);

create table service_minutes (
  minute timestamptz not null,
  service text not null,
  samples integer not null,
  ready_samples integer not null,
  outbox_age_seconds_max real,
  violations_max bigint,
  primary key (minute, service)
);
`;
}
