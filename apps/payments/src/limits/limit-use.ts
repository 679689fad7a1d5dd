import { fromUuid, uuidOf, type LimitKind, type LimitScope } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { AMOUNT_MAX } from '@payflow/money';
import { subjectOf, windowOf } from './windows.js';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

const LIMIT = statement(
  'limit-use.limit',
  `select kind, scope, customer_id, amount_minor, payment_count, window_minutes, counts_from from limits
   where tenant_id = $1 and livemode = $2 and id = $3 and deleted_at is null`,
);
const SUMS = statement(
  'limit-use.sums',
  `select u.reserved_minor as reserved, u.used_minor as used, (select count(*)::integer from limit_reservations r
     where r.tenant_id = u.tenant_id and r.livemode = u.livemode and r.limit_id = u.limit_id and r.subject = u.subject
       and r.window_start = u.window_start and r.status <> 'released') as payments
   from limit_uses u where tenant_id = $1 and livemode = $2 and limit_id = $3 and subject = $4 and window_start = $5`,
);
// A velocity counts payments in whatever they are: their sum says little, and what it would be past all numbers is told as the largest.
const COUNTED = statement(
  'limit-use.counted',
  `select least(coalesce(sum(amount_minor) filter (where status = 'reserved'), 0), ${AMOUNT_MAX})::bigint as reserved,
     least(coalesce(sum(used_minor) filter (where status = 'used'), 0), ${AMOUNT_MAX})::bigint as used, count(*)::integer as payments
   from limit_reservations
   where tenant_id = $1 and livemode = $2 and limit_id = $3 and subject = $4 and window_start = to_timestamp(0)
     and status <> 'released' and at > $5`,
);

interface LimitRow {
  kind: LimitKind;
  scope: LimitScope;
  customer_id: string | null;
  amount_minor: bigint | null;
  payment_count: number | null;
  window_minutes: number | null;
  counts_from: bigint;
}

interface Use {
  readonly reserved: bigint;
  readonly used: bigint;
  readonly payments: number;
}

const UNUSED: Use = { reserved: 0n, used: 0n, payments: 0 };

/** What is reserved and used of a limit at an instant, by the customer where each is counted apart. Undefined: no such limit. */
export async function limitUse(
  db: Database,
  { tenant, livemode }: { readonly tenant: string; readonly livemode: boolean },
  { id, customer }: { readonly id: string; readonly customer: string | null },
  now_ms: number,
): Promise<object | undefined> {
  const key = [uuidOf('tenant', tenant), livemode, uuidOf('limit', id)];
  const [limit] = await db.rows<LimitRow>(LIMIT, key);
  if (!limit) return undefined;
  const named = limit.customer_id ? fromUuid('customer', limit.customer_id) : customer;
  const subject = subjectOf({ ...limit, counts_from: Number(limit.counts_from) }, { customer: named });
  const window = windowAt(limit, now_ms);
  const use = window ? await useOf(db, limit, [...key, subject, new Date(window.start_ms)]) : UNUSED;
  const allowed = limit.amount_minor;
  return {
    object: 'limit_use',
    limit: id,
    customer: limit.scope === 'all' ? null : named,
    window_start: window ? new Date(window.start_ms).toISOString() : null,
    window_end: window ? new Date(window.end_ms).toISOString() : null,
    reserved: use.reserved.toString(),
    used: use.used.toString(),
    left: allowed === null ? null : atLeastZero(allowed - use.reserved - use.used).toString(),
    payments: use.payments,
    payments_left: limit.payment_count === null ? null : Math.max(0, limit.payment_count - use.payments),
  };
}

async function useOf(db: Database, { kind }: LimitRow, key: readonly unknown[]): Promise<Use> {
  const [use] = await db.rows<Use>(kind === 'velocity' ? COUNTED : SUMS, key);
  return use ?? UNUSED;
}

/** The window that an instant lies in; undefined where each payment stands for itself. */
function windowAt(
  { kind, window_minutes }: LimitRow,
  now_ms: number,
): { start_ms: number; end_ms: number } | undefined {
  switch (kind) {
    case 'per_payment':
      return undefined;
    case 'per_day': {
      const start_ms = windowOf(kind, now_ms);
      return { start_ms, end_ms: start_ms + DAY_MS };
    }
    case 'per_month': {
      const start = new Date(windowOf(kind, now_ms));
      return { start_ms: start.getTime(), end_ms: Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1) };
    }
    case 'velocity':
      return { start_ms: now_ms - (window_minutes as number) * MINUTE_MS, end_ms: now_ms };
    default:
      return kind satisfies never;
  }
}

/** A limit may have been lowered below what is used. */
function atLeastZero(left: bigint): bigint {
  return left < 0n ? 0n : left;
}
