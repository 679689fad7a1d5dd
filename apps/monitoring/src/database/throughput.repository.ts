import { statement, type Database, type Transaction } from '@payflow/database';
import { percentile } from '../latency.js';

/** Payments that ended in one minute with one status. */
export interface PaymentMinute {
  readonly minute: Date;
  readonly status: string;
  readonly payments: number;
  readonly latencyCounts: readonly number[];
}

export interface Throughput {
  readonly minute: string;
  readonly payments: number;
  readonly by_status: Readonly<Record<string, number>>;
  readonly per_second: number;
  /** From acceptance at the gateway to the final state. */
  readonly latency_ms: { readonly p50: number | null; readonly p99: number | null };
}

// Sorted, so that the transactions of two partitions wait for each other in one direction only.
const ADD = statement(
  'throughput.add',
  `insert into payment_minutes as m (minute, status, payments, latency_counts)
   select minute, status, payments, counts::bigint[]
   from unnest($1::timestamptz[], $2::text[], $3::bigint[], $4::text[]) as n (minute, status, payments, counts)
   order by minute, status
   on conflict (minute, status) do update set payments = m.payments + excluded.payments,
     latency_counts = (select array_agg(coalesce(a, 0) + coalesce(b, 0) order by at)
       from unnest(m.latency_counts, excluded.latency_counts) with ordinality as both_counts (a, b, at))`,
);

const RECENT = statement(
  'throughput.recent',
  `select minute, status, payments::float8 as payments, latency_counts::float8[] as "latencyCounts"
   from payment_minutes where minute > $1 order by minute desc, status`,
);

const SECONDS_PER_MINUTE = 60;

export async function addPayments(tx: Transaction, minutes: readonly PaymentMinute[]): Promise<void> {
  if (minutes.length === 0) return;
  await tx.rows(ADD, [
    minutes.map(({ minute }) => minute),
    minutes.map(({ status }) => status),
    minutes.map(({ payments }) => payments),
    minutes.map(({ latencyCounts }) => `{${latencyCounts.join(',')}}`),
  ]);
}

/** Throughput of the minutes after `since` in which payments ended, newest first. */
export async function recentThroughput(db: Database, since: Date): Promise<Throughput[]> {
  const rows = await db.rows<PaymentMinute>(RECENT, [since]);
  const minutes = [...new Set(rows.map(({ minute }) => minute.getTime()))];
  return minutes.map((minute) =>
    throughputOf(
      new Date(minute),
      rows.filter((row) => row.minute.getTime() === minute),
    ),
  );
}

function throughputOf(minute: Date, rows: readonly PaymentMinute[]): Throughput {
  const payments = rows.reduce((sum, row) => sum + row.payments, 0);
  const counts = (rows[0]?.latencyCounts ?? []).map((_, at) =>
    rows.reduce((sum, row) => sum + (row.latencyCounts[at] ?? 0), 0),
  );
  return {
    minute: minute.toISOString(),
    payments,
    by_status: Object.fromEntries(rows.map((row) => [row.status, row.payments])),
    per_second: rounded(payments / SECONDS_PER_MINUTE),
    latency_ms: { p50: rounded(percentile(counts, 0.5)), p99: rounded(percentile(counts, 0.99)) },
  };
}

function rounded<T extends number | null>(value: T): T {
  return (value === null ? null : Math.round(value * 10) / 10) as T;
}
