import { statement, type Database, type Transaction } from '@payflow/database';

/** Who fails, as a keyed hash, and how often that costs nothing. */
export interface LoginSubject {
  readonly hash: string;
  readonly tolerated: number;
}

const BLOCKED = statement(
  'login-failures.blocked',
  `select ceil(extract(epoch from max(blocked_until) - clock_timestamp()))::integer as seconds
   from login_failures where subject = any ($1) and blocked_until > clock_timestamp()`,
);

// Sorted, because one subject is met in many pairs. Each failure beyond those tolerated doubles the wait; a day without one forgives.
// The clock is read once: a first failure that was blocked until a microsecond after it would be told as blocked for a second.
const ADD = statement(
  'login-failures.add',
  `insert into login_failures as f (subject, tolerated, failures, last_failed_at, blocked_until)
   select subject, tolerated, 1, at, at
   from unnest($1::text[], $2::integer[]) as n (subject, tolerated), (select clock_timestamp() as at) as now order by subject
   on conflict (subject) do update set tolerated = excluded.tolerated, last_failed_at = excluded.last_failed_at,
     failures = case when f.last_failed_at < excluded.last_failed_at - interval '1 day' then 1 else least(f.failures + 1, 1000000) end,
     blocked_until = case
       when f.last_failed_at < excluded.last_failed_at - interval '1 day' or f.failures + 1 < excluded.tolerated then f.blocked_until
       else excluded.last_failed_at + least($3, 2 ^ least(f.failures + 1 - excluded.tolerated, 20)) * interval '1 second' end
   returning subject, failures, greatest(0, ceil(extract(epoch from blocked_until - last_failed_at)))::integer as blocked_s`,
);

const FORGIVE = statement(
  'login-failures.forgive',
  `delete from login_failures where subject = any ($1) and blocked_until <= clock_timestamp()`,
);

const PRUNE = statement(
  'login-failures.prune',
  `delete from login_failures where ctid = any (array (
     select ctid from login_failures where last_failed_at < statement_timestamp() - interval '2 days' order by last_failed_at limit $1))`,
);

/** For how many seconds more any of these is blocked; 0 where none is. */
export async function blockedFor(db: Database | Transaction, subjects: readonly LoginSubject[]): Promise<number> {
  const [row] = await db.rows<{ seconds: number | null }>(BLOCKED, [subjects.map(({ hash }) => hash)]);
  return Math.max(0, row?.seconds ?? 0);
}

/** How often a subject has failed, and for how many seconds it is blocked now. */
export interface LoginFailures {
  readonly subject: string;
  readonly failures: number;
  readonly blocked_s: number;
}

/** Counts a failure of each; the longest wait that comes of it is `wait_max_s`. */
export async function addFailures(
  tx: Transaction,
  subjects: readonly LoginSubject[],
  wait_max_s: number,
): Promise<LoginFailures[]> {
  const [hashes, tolerated] = [subjects.map(({ hash }) => hash), subjects.map((subject) => subject.tolerated)];
  return tx.rows<LoginFailures & Record<string, unknown>>(ADD, [hashes, tolerated, wait_max_s]);
}

/** Forgets the failures of those who are not blocked. */
export async function forgiveFailures(tx: Transaction, subjects: readonly LoginSubject[]): Promise<void> {
  await tx.count(FORGIVE, [subjects.map(({ hash }) => hash)]);
}

/** Forgets, at most `limit`, what a day without a failure has forgiven. */
export async function pruneFailures(db: Database, limit: number): Promise<void> {
  await db.count(PRUNE, [limit]);
}
