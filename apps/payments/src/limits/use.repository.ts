import { derivedUuid, fromUuid, toUuid, uuidOf } from '@payflow/contracts';
import { statement, Unnested, type Row, type Transaction } from '@payflow/database';
import { keyColumns, type PaymentKey } from '../database/payment.repository.js';
import type { Life } from '../domain/life.js';
import type { Payment } from '../domain/payment.js';
import { keptBy } from './increase.js';
import { ownerColumns, type Owner } from './policy.repository.js';
import type { Growth, Reservation } from './tally.js';
import { stretchesOf, type Looked } from './velocity.js';
import { keyOfWindow, type Window } from './windows.js';

/** How a payment ended that may have reserved something, or what it needs of that from now on. */
export interface Settled extends Owner {
  readonly payment: string;
  /** Minor units that were captured: so much of what was reserved is used for good; a refund does not give it back. */
  readonly used: string;
  /** Of one that goes on: so much stays reserved, at most. Null where it has ended. */
  readonly kept: string | null;
  /** The sum that it was made with. */
  readonly made: string;
}

const KEY = 'tenant_id, livemode, limit_id, subject, window_start';

// Whoever is in the rows decides after whoever was before: all in one order, so that two batches never wait for each other. Those of
// payments that may end in this batch are among them: giving back what they took would lock them in a second round.
const LOCK = statement(
  'limit-uses.lock',
  `insert into limit_uses as u (${KEY})
   select t, l, i, s, to_timestamp(w / 1000.0) from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::bigint[]) as n (t, l, i, s, w)
   union select ${KEY} from limit_reservations
   where (tenant_id, livemode, payment_id) in (select * from unnest($6::uuid[], $7::boolean[], $8::uuid[]))
     and status = 'reserved' and window_start > to_timestamp(0)
   order by 1, 2, 3, 4, 5
   on conflict (${KEY}) do update set updated_at = clock_timestamp()
   returning tenant_id, livemode, limit_id, subject, (extract(epoch from window_start) * 1000)::bigint as start_ms,
     u.reserved_minor + u.used_minor as sum`,
);

/** SQL: the payments that a velocity counts, of those `within` some bounds. */
const counted = (within: string): string =>
  `select r.payment_id, r.at from limit_reservations r
   where r.tenant_id = w.t and r.livemode = w.l and r.limit_id = w.i and r.subject = w.s and r.window_start = to_timestamp(0)
     and r.status <> 'released' and ${within}`;

// Behind the lock, and so with all that whoever held it before has written. Of those before a stretch and of those after it the
// nearest, and one more than may be, are all that need be known.
const TIMES = statement(
  'limit-uses.times',
  `select n, json_agg(extract(epoch from at) * 1000) as times
   from (
     select distinct n, payment_id, at
     from unnest($1::integer[], $2::uuid[], $3::boolean[], $4::uuid[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::bigint[],
         $9::integer[]) as w (n, t, l, i, s, first, last, span_ms, most),
       lateral (
         (${counted("r.at > w.first - w.span_ms * interval '1 millisecond' and r.at < w.first")} order by r.at desc limit w.most + 1)
         union all ${counted('r.at between w.first and w.last')}
         union all (${counted("r.at > w.last and r.at < w.last + w.span_ms * interval '1 millisecond'")} order by r.at limit w.most + 1)) near) seen
   group by n`,
);

const RESERVED = new Unnested<Reservation>([
  ['tenant_id', 'uuid', ({ tenant }) => uuidOf('tenant', tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['payment_id', 'uuid', ({ payment }) => uuidOf('payment', payment)],
  ['limit_id', 'uuid', countingUuid],
  ['subject', 'text', ({ subject }) => subject],
  ['window_start', 'timestamptz', ({ start_ms }) => new Date(start_ms)],
  ['at', 'timestamptz', ({ at_ms }) => new Date(at_ms)],
  ['amount_minor', 'bigint', ({ amount }) => amount],
  ['base_minor', 'bigint', ({ base }) => base],
  ['status', 'text', ({ status }) => status],
]);
const GROWN = new Unnested<Growth>([
  ['tenant_id', 'uuid', ({ tenant }) => uuidOf('tenant', tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['limit_id', 'uuid', countingUuid],
  ['subject', 'text', ({ subject }) => subject],
  ['window_start', 'timestamptz', ({ start_ms }) => new Date(start_ms)],
  ['added', 'bigint', ({ added }) => added],
  ['allowed', 'bigint', ({ allowed }) => allowed],
]);

/** How many parameters {@link usesTaken} takes. */
export const USES_WIDTH = GROWN.width + RESERVED.width;

/** SQL, a list of CTEs: keeps what the payments of a batch take. The windows must be locked. */
export const usesTaken = (first: number): string =>
  `grown as (
     update limit_uses u set reserved_minor = u.reserved_minor + g.added, allowed_minor = g.allowed, updated_at = clock_timestamp()
     from ${GROWN.from(first, 'g')}
     where u.tenant_id = g.tenant_id and u.livemode = g.livemode and u.limit_id = g.limit_id and u.subject = g.subject
       and u.window_start = g.window_start),
   reserved as (
     insert into limit_reservations as r (${RESERVED.names}) select * from ${RESERVED.from(first + GROWN.width)}
     -- Something was added to the payment.
     on conflict (tenant_id, livemode, payment_id, limit_id, subject, window_start) do update
       set amount_minor = excluded.amount_minor + case r.status when 'released' then 0 else r.amount_minor end, status = excluded.status,
         updated_at = clock_timestamp(), xact_id = pg_current_xact_id())`;

/** The parameters of {@link usesTaken}. A batch has 500 payments, and a tenant 200 limits and rules. */
export function usesToTake(growth: readonly Growth[], reservations: readonly Reservation[]): unknown[] {
  return [...GROWN.whole(growth), ...RESERVED.whole(together(reservations))];
}

/** One statement must not meet what a payment takes of a window twice. What it took before is what it did before the first. */
function together(reservations: readonly Reservation[]): Reservation[] {
  const sums = new Map<string, Reservation>();
  for (const one of reservations) {
    const key = `${one.payment} ${keyOfWindow(one)}`;
    const before = sums.get(key);
    sums.set(key, before ? { ...before, amount: before.amount + one.amount } : one);
  }
  return [...sums.values()];
}

export const SETTLED = new Unnested<Settled>([
  ['tenant_id', 'uuid', ({ tenant }) => uuidOf('tenant', tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['payment_id', 'uuid', ({ payment }) => uuidOf('payment', payment)],
  ['used', 'bigint', ({ used }) => used],
  ['kept', 'bigint', ({ kept }) => kept],
  ['made', 'bigint', ({ made }) => made],
]);

/** What the payment took before the limit first saw it: its first money, of which the limit counts nothing. */
const UNSEEN = 'coalesce(e.made - r.base_minor, 0)';

/**
 * SQL, a list of CTEs: what payments reserved that ended is used as far as it was captured, and free again beyond that; what was
 * to be added to one that goes on, and will not be, is free as well, down to nothing where the limit is younger than the payment.
 * The sums are locked in the one order. The parameters of the set begin at `$first`.
 */
export const usesSettled = (first: number): string =>
  `settling as (
     select * from ${SETTLED.from(first)}),
   settled as (
     update limit_reservations r set used_minor = greatest(least(e.used - ${UNSEEN}, r.amount_minor), 0),
       status = case when e.used > ${UNSEEN} then 'used' else 'released' end, updated_at = clock_timestamp(), xact_id = pg_current_xact_id()
     from settling e
     where r.tenant_id = e.tenant_id and r.livemode = e.livemode and r.payment_id = e.payment_id and r.status = 'reserved'
       and e.kept is null
     returning r.*),
   added as (
     select * from (
       select r.*, e.kept - ${UNSEEN} as kept
       from settling e join limit_reservations r using (tenant_id, livemode, payment_id)
       where e.kept is not null and r.status = 'reserved' and r.window_start > to_timestamp(0)) as k
     where amount_minor > kept),
   lessened as (
     update limit_reservations r set amount_minor = case when a.kept > 0 then a.kept else r.amount_minor end,
       status = case when a.kept > 0 then r.status else 'released' end, updated_at = clock_timestamp(), xact_id = pg_current_xact_id()
     from added a
     where r.tenant_id = a.tenant_id and r.livemode = a.livemode and r.payment_id = a.payment_id and r.limit_id = a.limit_id
       and r.subject = a.subject and r.window_start = a.window_start),
   freed as (
     select ${KEY}, sum(reserved)::bigint as reserved, sum(used)::bigint as used
     from (
       select ${KEY}, amount_minor as reserved, used_minor as used from settled where window_start > to_timestamp(0)
       union all select ${KEY}, amount_minor - kept, 0 from added) f
     group by ${KEY}),
   held as (
     select ${KEY}, m.reserved, m.used from limit_uses join freed m using (${KEY}) order by ${KEY} for update of limit_uses),
   used as (
     update limit_uses u set reserved_minor = u.reserved_minor - h.reserved, used_minor = u.used_minor + h.used,
       updated_at = clock_timestamp()
     from held h
     where u.tenant_id = h.tenant_id and u.livemode = h.livemode and u.limit_id = h.limit_id and u.subject = h.subject
       and u.window_start = h.window_start)`;

const SETTLE = statement('limit-uses.settle', `with ${usesSettled(1)} select 1 as done`);

interface LockedRow extends Row {
  tenant_id: string;
  livemode: boolean;
  limit_id: string;
  subject: string;
  start_ms: bigint;
  sum: bigint;
}

/** Locks the windows, and those in which the payments `held` have a place; reads what is taken of each window, by {@link keyOfWindow}. */
export async function lockWindows(
  tx: Transaction,
  windows: readonly Window[],
  held: readonly PaymentKey[],
): Promise<Map<string, bigint>> {
  if (windows.length === 0) return new Map();
  const distinct = [...new Map(windows.map((window) => [keyOfWindow(window), window])).values()];
  const rows = await tx.rows<LockedRow>(LOCK, [
    ...ownerColumns(distinct),
    distinct.map(countingUuid),
    distinct.map(({ subject }) => subject),
    distinct.map(({ start_ms }) => start_ms),
    ...keyColumns(held),
  ]);
  const by = new Map(distinct.map((window) => [countingUuid(window), window.by]));
  return new Map(
    rows.flatMap((row) => {
      const id = by.get(row.limit_id);
      if (id === undefined) return [];
      const owner = { tenant: fromUuid('tenant', row.tenant_id), livemode: row.livemode };
      const window = { ...owner, by: id, subject: row.subject, start_ms: Number(row.start_ms) };
      return [[keyOfWindow(window), row.sum] as const];
    }),
  );
}

/** When the payments were that the velocities count, as far as these look. */
export async function readTimes(tx: Transaction, looked: readonly Looked[]): Promise<Map<string, readonly number[]>> {
  if (looked.length === 0) return new Map();
  const windows = [...stretchesOf(looked)];
  const stretches = windows.flatMap(([, each], n) => each.map((stretch) => ({ n, ...stretch })));
  const rows = await tx.rows<{ n: number; times: number[] }>(TIMES, [
    stretches.map(({ n }) => n),
    ...ownerColumns(stretches),
    stretches.map(countingUuid),
    stretches.map(({ subject }) => subject),
    stretches.map(({ first_ms }) => new Date(first_ms)),
    stretches.map(({ last_ms }) => new Date(last_ms)),
    stretches.map(({ span_ms }) => span_ms),
    stretches.map(({ count_max }) => count_max),
  ]);
  return new Map(rows.map(({ n, times }) => [windows[n]?.[0] as string, times]));
}

/** What ended payments reserved, or may have: those of organisations that had neither limits nor rules reserved nothing. */
export function usesOf(ended: readonly Payment[]): Settled[] {
  return ended
    .filter(({ admission }) => admission !== null)
    .map(({ id, tenant, livemode, status, captured, amount: made }) => {
      const used = status === 'succeeded' ? captured.toString() : '0';
      return { tenant, livemode, payment: id, used, kept: null, made };
    });
}

/** What payments that go on keep of their reservations, where something that was to be added to them came to nothing. */
export function lessenedOf(lives: readonly Life[]): Settled[] {
  return lives
    .filter(({ payment }) => payment.admission !== null)
    .map((life) => {
      const { id, tenant, livemode, amount: made } = life.payment;
      return { tenant, livemode, payment: id, used: '0', kept: keptBy(life).toString(), made };
    });
}

/** Turns what ended payments reserved into what they used, and frees the rest: in the transaction that ends them, or what was to be added. */
export async function settleUses(tx: Transaction, settled: readonly Settled[]): Promise<void> {
  if (settled.length > 0) await tx.rows(SETTLE, SETTLED.whole(settled));
}

/** The UUID of the limit or rule that counts. */
function countingUuid({ by }: Pick<Window, 'by'>): string {
  return toUuid('limit', by) ?? derivedUuid(uuidOf('riskRule', by), 'velocity');
}
