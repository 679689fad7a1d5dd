import { uuidOf } from '@payflow/contracts';
import { statement, Unnested, type BulkColumn, type Transaction } from '@payflow/database';
import type { Life, News, Operation, Step } from '../domain/life.js';
import type { Payment } from '../domain/payment.js';
import { SETTLED, settleUses, usesSettled, type Settled } from '../limits/use.repository.js';
import type { NewAttempt } from '../providers/attempt.js';
import { ATTEMPTS, attemptsInserted } from '../providers/attempt.repository.js';

/** A payment as it was read, and as it is to be. */
export interface Change {
  readonly before: Life;
  readonly after: Life;
}

/** A change of a payment's state or sums, and who stands behind it. */
export interface LoggedTransition {
  readonly news: Extract<News, { kind: 'payment' }>;
  readonly actor: string;
  readonly traceId: string | null;
}

interface Owned {
  readonly owner: Payment;
}
const OWNER: readonly BulkColumn<Owned>[] = [
  ['tenant_id', 'uuid', ({ owner }) => uuidOf('tenant', owner.tenant)],
  ['livemode', 'boolean', ({ owner }) => owner.livemode],
  ['payment_id', 'uuid', ({ owner }) => uuidOf('payment', owner.id)],
];

const PAYMENTS = new Unnested<{ readonly from: Payment; readonly to: Payment } & Owned>([
  ...OWNER,
  ['from_status', 'text', ({ from }) => from.status],
  ['from_version', 'bigint', ({ from }) => from.version],
  ['status', 'text', ({ to }) => to.status],
  ['version', 'bigint', ({ to }) => to.version],
  ['capture', 'text', ({ to }) => to.capture],
  ['failure_code', 'text', ({ to }) => to.failureCode],
  ['failure_reason', 'text', ({ to }) => to.failureReason],
  ['authorized', 'bigint', ({ to }) => to.authorized],
  ['captured', 'bigint', ({ to }) => to.captured],
  ['refunded', 'bigint', ({ to }) => to.refunded],
  ['refunding', 'bigint', ({ to }) => to.refunding],
  ['next_action', 'text', ({ to }) => to.nextAction && JSON.stringify(to.nextAction)],
  ['authorized_until', 'timestamptz', ({ to }) => to.authorizedUntil],
  ['operation_id', 'uuid', ({ to }) => to.operation],
  ['connector', 'text', ({ to }) => to.connector],
  ['provider_reference', 'text', ({ to }) => to.providerReference],
  ['ended_by', 'uuid', ({ to: { endedBy } }) => (endedBy === undefined ? null : uuidOf('event', endedBy))],
  ['updated_at', 'timestamptz', ({ to }) => to.updatedAt],
]);
const OPERATIONS = new Unnested<Operation & Owned>([
  ...OWNER,
  ['id', 'uuid', ({ id }) => id],
  ['kind', 'text', ({ kind }) => kind],
  ['number', 'integer', ({ number }) => number],
  ['status', 'text', ({ status }) => status],
  ['amount_minor', 'bigint', ({ amount }) => storable(amount)],
  ['final', 'boolean', ({ final }) => final],
  ['failure_code', 'text', ({ failureCode }) => failureCode],
  ['reason', 'text', ({ reason }) => reason],
  ['metadata', 'json', ({ metadata }) => JSON.stringify(metadata)],
  ['command_id', 'uuid', ({ commandId }) => uuidOf('event', commandId)],
  ['actor', 'text', ({ actor }) => actor],
  ['trace_id', 'text', ({ traceId }) => traceId],
  ['answer_event_id', 'uuid', ({ answerId }) => answerId && uuidOf('event', answerId)],
  ['needs_attention', 'boolean', ({ needsAttention }) => needsAttention],
  ['version', 'bigint', ({ status }) => (status === 'succeeded' || status === 'failed' ? ENDED_VERSION : 0)],
  ['created_at', 'timestamptz', ({ createdAt }) => createdAt],
]);
/** An operation is told once, when it ends. */
export const ENDED_VERSION = 1;

const operationsSaved = (first: number): string =>
  `insert into payment_operations as o (${OPERATIONS.names}) select * from ${OPERATIONS.from(first)}
     on conflict (tenant_id, livemode, id) do update set status = excluded.status, amount_minor = excluded.amount_minor,
       failure_code = excluded.failure_code, answer_event_id = excluded.answer_event_id, needs_attention = excluded.needs_attention,
       version = excluded.version, updated_at = clock_timestamp(), xact_id = pg_current_xact_id()
     where o.status not in ('succeeded', 'failed') and o.payment_id = excluded.payment_id and o.kind = excluded.kind
     returning 1`;

const STEPS = new Unnested<Step & Owned>([
  ...OWNER,
  ['operation_id', 'uuid', ({ operation }) => operation],
  ['step', 'text', ({ name }) => name],
  ['command_id', 'uuid', ({ commandId }) => uuidOf('event', commandId)],
  ['command_type', 'text', ({ type }) => type],
  ['command', 'json', ({ command }) => command],
  ['status', 'text', ({ status }) => status],
  ['hold_id', 'uuid', ({ hold }) => hold && uuidOf('hold', hold)],
  ['transfer_id', 'uuid', ({ transfer }) => transfer && uuidOf('transfer', transfer)],
  ['amount_minor', 'bigint', ({ amount }) => amount],
  ['hold_left_minor', 'bigint', ({ left }) => left],
  ['reason', 'text', ({ reason }) => reason],
  ['verdict_event_id', 'uuid', ({ verdictId }) => verdictId && uuidOf('event', verdictId)],
  ['accounts', 'json', ({ accounts }) => JSON.stringify(accounts)],
]);

const stepsSaved = (first: number): string =>
  `insert into ledger_steps (${STEPS.names}) select * from ${STEPS.from(first)}
     on conflict (tenant_id, livemode, operation_id, step) do update set status = excluded.status, reason = excluded.reason,
       hold_left_minor = excluded.hold_left_minor, verdict_event_id = excluded.verdict_event_id, accounts = excluded.accounts,
       updated_at = clock_timestamp(), xact_id = pg_current_xact_id()`;

// The parameters of the sets, one behind the other.
const TRANSITIONS_AT = 1 + PAYMENTS.width;
const OPERATIONS_AT = TRANSITIONS_AT + 1;
const STEPS_AT = OPERATIONS_AT + OPERATIONS.width;
const ATTEMPTS_AT = STEPS_AT + STEPS.width;
const SETTLED_AT = ATTEMPTS_AT + ATTEMPTS.width;

// All that a batch changes in one statement. Each part writes tables of its own, and what one refers to is looked for when all
// are written. Conditional on state, version and what is left to be given back, though all of it is locked: should the locks ever
// be got wrong, nothing is written over what another has done. The CHECKs on the sums stand behind it.
const SAVE = statement(
  'lives.save',
  `with v as (select * from ${PAYMENTS.from()}),
   changed as (
     update payments p set status = v.status, version = v.version, capture = v.capture, failure_code = v.failure_code,
       failure_reason = v.failure_reason, amount_authorized_minor = v.authorized, amount_captured_minor = v.captured, amount_refunded_minor = v.refunded,
       amount_refunding_minor = v.refunding, next_action = v.next_action::json, authorized_until = v.authorized_until,
       operation_id = v.operation_id, connector = v.connector, provider_reference = v.provider_reference,
       verdict_event_id = coalesce(v.ended_by, p.verdict_event_id), updated_at = v.updated_at, xact_id = pg_current_xact_id()
     from v
     where p.tenant_id = v.tenant_id and p.livemode = v.livemode and p.id = v.payment_id
       and p.status = v.from_status and p.version = v.from_version and v.refunded + v.refunding <= v.captured
     returning p.id),
   logged as (
     insert into payment_transitions (tenant_id, livemode, payment_id, version, from_status, to_status, actor, reason, cause_event_id, trace_id, at)
     select * from json_to_recordset($${TRANSITIONS_AT}::json) as t (tenant_id uuid, livemode boolean, payment_id uuid, version bigint,
       from_status text, to_status text, actor text, reason text, cause_event_id uuid, trace_id text, at timestamptz)),
   operated as (
     ${operationsSaved(OPERATIONS_AT)}),
   stepped as (
     ${stepsSaved(STEPS_AT)}),
   handed as (
     ${attemptsInserted(ATTEMPTS_AT)}),
   ${usesSettled(SETTLED_AT)}
   select (select count(*) from changed)::integer as payments, (select count(*) from operated)::integer as operations`,
);

/** All that the turns of a batch have come to. */
export interface LifeChanges {
  readonly changes: readonly Change[];
  readonly transitions: readonly LoggedTransition[];
  /** What providers are to be asked. */
  readonly attempts: readonly NewAttempt[];
  /** What payments have used that ended in this batch, and what others need no longer. */
  readonly settled: readonly Settled[];
}

/** Writes what has changed, in one statement; none where nothing has. */
export async function saveLives(
  tx: Transaction,
  { changes, transitions, attempts, settled }: LifeChanges,
): Promise<void> {
  const payments = changes
    .filter(({ before, after }) => !isSame(before.payment, after.payment))
    .map(({ before, after }) => ({ owner: after.payment, from: before.payment, to: after.payment }));
  const changed = <T extends object>(of: (life: Life) => readonly T[]) =>
    changes.flatMap(({ before, after }) => {
      const known = new Set(of(before));
      return of(after)
        .filter((one) => !known.has(one))
        .map((one) => ({ ...one, owner: after.payment }));
    });
  const operations = changed((life) => life.operations);
  const steps = changed((life) => life.steps);
  if (payments.length + operations.length + steps.length + attempts.length === 0) return settleUses(tx, settled);
  const [saved] = await tx.rows<{ payments: number; operations: number }>(SAVE, [
    ...PAYMENTS.whole(payments),
    JSON.stringify(transitions.map(toRow)),
    ...OPERATIONS.whole(operations),
    ...STEPS.whole(steps),
    ...ATTEMPTS.whole(attempts.map((attempt) => ({ ...attempt, number: 1 }))),
    ...SETTLED.whole(settled),
  ]);
  if (saved?.payments !== payments.length || saved.operations !== operations.length)
    throw new TypeError('locked payments or their operations are not as they were read');
}

function toRow({ news: { payment, from, reason, cause }, actor, traceId }: LoggedTransition) {
  return {
    tenant_id: uuidOf('tenant', payment.tenant),
    livemode: payment.livemode,
    payment_id: uuidOf('payment', payment.id),
    version: payment.version,
    from_status: from,
    to_status: payment.status,
    actor,
    reason,
    cause_event_id: uuidOf('event', cause),
    trace_id: traceId,
    at: payment.updatedAt,
  };
}

/** A payment that begins is written as it is to be, and needs no second write. */
function isSame(before: Payment, after: Payment): boolean {
  return (
    before.version === after.version &&
    before.operation === after.operation &&
    before.refunding === after.refunding &&
    before.capture === after.capture &&
    before.connector === after.connector &&
    before.providerReference === after.providerReference &&
    before.authorizedUntil === after.authorizedUntil
  );
}

const AMOUNT_MAX = 9_223_372_036_854_775_807n;

/** A wish that was refused for its amount is kept without it. */
function storable(amount: bigint | null): bigint | null {
  return amount !== null && amount > 0n && amount <= AMOUNT_MAX ? amount : null;
}
