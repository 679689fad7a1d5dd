import { fromUuid, uuidOf, type AccountSnapshot } from '@payflow/contracts';
import { statement, type Part, type Row, type Transaction } from '@payflow/database';
import { aheadOf } from '@payflow/messaging';
import type { Life, Operation, Step } from '../domain/life.js';
import type { Payment } from '../domain/payment.js';
import {
  COLUMNS,
  keyColumns,
  keyOf,
  toKey,
  toPayment,
  type KeyRow,
  type PaymentKey,
  type PaymentRow,
} from './payment.repository.js';

/** What of the past has to be known beside all that has not ended: UUIDs. */
export interface Mentioned {
  readonly operations: readonly string[];
  readonly attempts: readonly { readonly payment: string; readonly id: string }[];
  readonly ledgerCommands: readonly string[];
}

/** Sent, and not known how it ended. */
export interface OpenAttempt {
  readonly tenant: string;
  readonly livemode: boolean;
  /** `att_…` */
  readonly id: string;
  /** UUID. */
  readonly operation: string;
  /** How it ended has to be found out: no answer is on its way, and no customer has to act. */
  readonly isUnknown: boolean;
  readonly traceparent: string | undefined;
  /** Which provider has it; null where none has been chosen. */
  readonly connector: string | null;
}

export interface Loaded {
  readonly lives: ReadonlyMap<string, Life>;
  /** Operations by the attempts that were mentioned, or whose end is not known; UUIDs. */
  readonly operationOfAttempt: ReadonlyMap<string, string>;
  readonly openAttempts: readonly OpenAttempt[];
  /** How far test clocks are ahead, ms, by the keys of those payments whose space has travelled. */
  readonly aheadOf: ReadonlyMap<string, number>;
  /** The database's clock, read after the locks; undefined where nothing was looked for. */
  readonly now: string | undefined;
}

// Commands of a payment and verdicts on it come over different partitions. All of them lock payments in the order of their keys,
// so that two batches never wait for each other; whatever belongs to a payment is read and written under its lock alone.
export const LOCKED: Part = {
  columns: COLUMNS.split(/,\s*/),
  width: 3,
  sql: (first) =>
    `select ${COLUMNS} from payments
   where (tenant_id, livemode, id) in (select * from unnest($${first}::uuid[], $${first + 1}::boolean[], $${first + 2}::uuid[]))
   order by tenant_id, livemode, id for update`,
};
const LOCK = statement('lives.lock', LOCKED.sql(1));

const OF_PAYMENT = '(tenant_id, livemode, payment_id) = (k.tenant_id, k.livemode, k.id)';

// Written out, as the index of open attempts has it.
const IS_OPEN = `status in ('created', 'sending', 'unknown', 'requires_action')`;

// Each looked up by its primary key, which the limit leaves no other way than: there is no index of a payment's attempts.
const mentionedAt = (
  first: number,
): string => `unnest($${first + 4}::uuid[], $${first + 6}::uuid[]) as m (id, of_payment) cross join lateral (
  select * from attempts where tenant_id = k.tenant_id and livemode = k.livemode and attempts.id = m.id limit 1) as a
  where m.of_payment = k.id`;

export const LIVES: Part = {
  columns: ['tenant_id', 'livemode', 'id', 'now', 'ahead_ms', 'last_number', 'operations', 'steps', 'attempts'],
  width: 7,
  sql: (first) => `select k.tenant_id, k.livemode, k.id, clock_timestamp() as now,
     ${aheadOf({ tenant: 'k.tenant_id', livemode: 'k.livemode' })} as ahead_ms,
     (select coalesce(max(number), 0) from payment_operations where ${OF_PAYMENT}) as last_number,
     (select json_agg(json_build_object('id', o.id, 'kind', kind, 'number', number, 'status', status, 'amount', amount_minor::text,
        'final', final, 'failureCode', failure_code, 'reason', reason, 'metadata', metadata, 'commandId', command_id, 'actor', actor,
        'traceId', trace_id, 'answerId', answer_event_id, 'needsAttention', needs_attention, 'createdAt', created_at) order by number)
      from payment_operations o where ${OF_PAYMENT} and (status not in ('succeeded', 'failed') or o.id = any ($${first + 3}::uuid[])
        or o.id in (select a.operation_id from ${mentionedAt(first)}))) as operations,
     (select json_agg(json_build_object('operation', operation_id, 'name', step, 'commandId', command_id, 'type', command_type,
        'command', command::text, 'status', status, 'hold', hold_id, 'transfer', transfer_id, 'amount', amount_minor::text,
        'left', hold_left_minor::text, 'reason', reason, 'verdictId', verdict_event_id, 'accounts', accounts))
      from ledger_steps where ${OF_PAYMENT} and (status = 'asked' or hold_left_minor > 0 or command_type = 'payflow.group.post.v1'
        or command_id = any ($${first + 5}::uuid[])
        or operation_id in (select o.id from payment_operations o where ${OF_PAYMENT} and needs_attention))) as steps,
     (select json_agg(json_build_object('id', id, 'operation', operation_id, 'isOpen', ${IS_OPEN} and status <> 'created',
        'isUnknown', status = 'unknown', 'traceparent', traceparent, 'connector', connector))
      from (select * from attempts where ${OF_PAYMENT} and ${IS_OPEN}
        union all select a.* from ${mentionedAt(first)} and a.payment_id = k.id and not ${IS_OPEN}) as a) as attempts
   from unnest($${first}::uuid[], $${first + 1}::boolean[], $${first + 2}::uuid[]) as k (tenant_id, livemode, id)`,
};
const LOAD = statement('lives.load', LIVES.sql(1));

const KNOWN = statement(
  'payments.known',
  `select tenant_id, livemode, id from payments
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
);

const ASKED_BY = statement(
  'payment-operations.asked-by',
  `select command_id from payment_operations
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
);

type OperationJson = Omit<Operation, 'amount' | 'commandId' | 'answerId'> & {
  readonly amount: string | null;
  readonly commandId: string;
  readonly answerId: string | null;
};
type StepJson = Omit<Step, 'amount' | 'left' | 'accounts'> & {
  readonly amount: string;
  readonly left: string | null;
  readonly accounts: AccountSnapshot[] | null;
};

type AttemptJson = Pick<OpenAttempt, 'id' | 'operation' | 'isUnknown' | 'connector'> & {
  readonly isOpen: boolean;
  readonly traceparent: string | null;
};

export interface LifeRow extends Row, KeyRow {
  now: Date;
  ahead_ms: bigint | null;
  last_number: number;
  operations: OperationJson[] | null;
  steps: StepJson[] | null;
  attempts: AttemptJson[] | null;
}

const NOTHING_LOADED: Loaded = {
  lives: new Map(),
  operationOfAttempt: new Map(),
  openAttempts: [],
  aheadOf: new Map(),
  now: undefined,
};

/** Locks the payments and reads all of each that has not ended, and what is mentioned of the rest. */
export async function loadLives(tx: Transaction, keys: readonly PaymentKey[], mentioned: Mentioned): Promise<Loaded> {
  if (keys.length === 0) return NOTHING_LOADED;
  // Sent together: the second waits on the server until the first has its locks.
  const [locked, rows] = await Promise.all([lockLives(tx, keys), tx.rows<LifeRow>(LOAD, livesAsked(keys, mentioned))]);
  return loadedFrom(locked, rows);
}

/** Locks the payments alone. */
export async function lockLives(tx: Transaction, keys: readonly PaymentKey[]): Promise<Payment[]> {
  return (await tx.rows<PaymentRow>(LOCK, keyColumns(keys))).map(toPayment);
}

/** The same as {@link loadLives} where the payments are locked: as they stand by now, those that are here. */
export async function loadLocked(tx: Transaction, locked: readonly Payment[], mentioned: Mentioned): Promise<Loaded> {
  if (locked.length === 0) return NOTHING_LOADED;
  return loadedFrom(locked, await tx.rows<LifeRow>(LOAD, livesAsked(locked, mentioned)));
}

/** The parameters of {@link LIVES}. */
export function livesAsked(
  keys: readonly PaymentKey[],
  { operations, attempts, ledgerCommands }: Mentioned,
): unknown[] {
  const payments = attempts.map(({ payment }) => uuidOf('payment', payment));
  return [...keyColumns(keys), operations, attempts.map(({ id }) => id), ledgerCommands, payments];
}

/** From payments as they were locked, and what was read behind the locks. */
export function loadedFrom(locked: readonly Payment[], rows: readonly LifeRow[]): Loaded {
  const rest = new Map(rows.map((row) => [keyOf(toKey(row)), row]));
  const lives = locked.map((payment): [string, Life] => {
    const key = keyOf(payment);
    return [key, toLife(payment, rest.get(key) as LifeRow)];
  });
  const attempts = rows.flatMap((row) => (row.attempts ?? []).map((attempt) => ({ ...toKey(row), ...attempt })));
  return {
    lives: new Map(lives),
    operationOfAttempt: new Map(attempts.map(({ id, operation }) => [id, operation])),
    openAttempts: attempts
      .filter(({ isOpen }) => isOpen)
      .map(({ id, traceparent, ...attempt }) => ({
        ...attempt,
        id: fromUuid('attempt', id),
        traceparent: traceparent ?? undefined,
      })),
    aheadOf: new Map(rows.flatMap((row) => (row.ahead_ms ? [[keyOf(toKey(row)), Number(row.ahead_ms)]] : []))),
    now: rows[0]?.now.toISOString(),
  };
}

/** Those of the payments that are here. */
export async function knownPayments(tx: Transaction, keys: readonly PaymentKey[]): Promise<Set<string>> {
  return new Set((await tx.rows<KeyRow>(KNOWN, keyColumns(keys))).map((row) => keyOf(toKey(row))));
}

/** Ids of the commands that asked for those of the operations that are here. `id`: the operation's UUID. */
export async function commandsOfOperations(
  tx: Transaction,
  operations: readonly { readonly tenant: string; readonly livemode: boolean; readonly id: string }[],
): Promise<Set<string>> {
  const rows = await tx.rows<{ command_id: string }>(ASKED_BY, [
    operations.map(({ tenant }) => uuidOf('tenant', tenant)),
    operations.map(({ livemode }) => livemode),
    operations.map(({ id }) => id),
  ]);
  return new Set(rows.map((row) => fromUuid('event', row.command_id)));
}

function toLife(payment: Payment, { last_number, operations, steps }: LifeRow): Life {
  return {
    payment,
    operations: (operations ?? []).map(toOperation),
    steps: (steps ?? []).map(toStep),
    lastNumber: last_number,
    news: [],
  };
}

function toOperation(row: OperationJson): Operation {
  return {
    ...row,
    amount: row.amount === null ? null : BigInt(row.amount),
    commandId: fromUuid('event', row.commandId),
    answerId: row.answerId && fromUuid('event', row.answerId),
    createdAt: new Date(row.createdAt).toISOString(),
  };
}

function toStep(row: StepJson): Step {
  return {
    ...row,
    amount: BigInt(row.amount),
    left: row.left === null ? null : BigInt(row.left),
    commandId: fromUuid('event', row.commandId),
    hold: row.hold && fromUuid('hold', row.hold),
    transfer: row.transfer && fromUuid('transfer', row.transfer),
    verdictId: row.verdictId && fromUuid('event', row.verdictId),
    accounts: row.accounts ?? [],
  };
}
