import { context, SpanKind, trace, type Context, type Link, type Span } from '@opentelemetry/api';
import { crashAt, MESSAGES, PARTITIONS, partitionOf, type Topic } from '@payflow/contracts';
import { isDeterministic, OutcomeUnknown, type Database, type Transaction } from '@payflow/database';
import type { AnyOutgoing, Messaging, Staged } from '@payflow/messaging';
import { extractTraceContext } from '@payflow/telemetry';
import {
  accountIdsTaken,
  dropKeys,
  findRecords,
  idempotencyKeyOf,
  insertAccountViews,
  insertPaymentViews,
  insertPending,
  takeKeys,
  type IdempotencyRecord,
} from '../database/acceptance.repository.js';
import { keyOf } from '../database/keys.js';
import type { AccountView } from '../domain/account.js';
import type { PaymentView } from '../domain/payment.js';
import type { Acceptable, Acceptance } from './acceptable.js';

export interface Door {
  readonly db: Database;
  readonly messaging: Messaging;
  readonly partitions: keyof typeof PARTITIONS;
}

const tracer = trace.getTracer('payflow.acceptance');
const LINKS_MAX = 64;

/**
 * Makes a group of writes durable: key, `pending` view and command commit together, for each write whose key and id are
 * new. Afterwards its command is on the way to Kafka from memory. No two members may share a key or an id.
 */
export async function acceptGroup(door: Door, group: readonly Acceptable[]): Promise<readonly Acceptance[]> {
  try {
    return await inGroupSpan(group, () => acceptOnce(door, group));
  } catch (error) {
    // Whether it committed is told by the keys: inserting them again waits for the lost transaction, a select would not.
    if (error instanceof OutcomeUnknown) return acceptOnce(door, group);
    if (group.length === 1 || !isDeterministic(error)) throw error;
    return acceptSingly(door, group);
  }
}

/** One member's data breaks a rule of the database: it must not take the others with it. */
async function acceptSingly(door: Door, group: readonly Acceptable[]): Promise<Acceptance[]> {
  const results: Acceptance[] = [];
  for (const write of group) results.push(...(await acceptGroup(door, [write])));
  return results;
}

async function acceptOnce(door: Door, group: readonly Acceptable[]): Promise<readonly Acceptance[]> {
  const { acceptances, staged } = await door.db.transaction((tx) => acceptInside(tx, door, group));
  staged?.publish();
  return acceptances;
}

async function acceptInside(
  tx: Transaction,
  door: Door,
  group: readonly Acceptable[],
): Promise<{ acceptances: Acceptance[]; staged: Staged | undefined }> {
  const taken = await takeKeys(tx, group);
  crashAt('idempotency-insert');
  const winners = group.filter((write) => taken.has(idempotencyKeyOf(write)));
  const copies = group.filter((write) => !taken.has(idempotencyKeyOf(write)));
  const [records, refused] = await Promise.all([
    copies.length > 0 ? findRecords(tx, copies) : new Map<string, IdempotencyRecord>(),
    insertViews(tx, winners),
  ]);
  crashAt('payment-insert');
  const accepted = winners.filter((write) => !refused.has(write));
  const staged = accepted.length > 0 ? await stageCommands(tx, door, accepted) : undefined;
  const acceptances = group.map((write): Acceptance => {
    const refusal = refused.get(write);
    if (refusal) return { outcome: 'refused', code: refusal };
    return taken.has(idempotencyKeyOf(write))
      ? { outcome: 'accepted' }
      : copyOf(write, records.get(idempotencyKeyOf(write)));
  });
  return { acceptances, staged };
}

/** Inserts the winners' views. Those that cannot have theirs give their key back, and are returned with the reason. */
async function insertViews(
  tx: Transaction,
  winners: readonly Acceptable[],
): Promise<Map<Acceptable, 'id_reused' | 'account_exists'>> {
  const [payments, accounts] = await Promise.all([
    insertPaymentViews(tx, paymentsOf(winners)),
    insertAccountViews(tx, accountsOf(winners)),
  ]);
  const refused = new Map<Acceptable, 'id_reused' | 'account_exists'>();
  const without = winners.filter(({ write: { view } }) => !payments.has(keyOf(view)) && !accounts.has(keyOf(view)));
  if (without.length === 0) return refused;
  const idsTaken = await accountIdsTaken(tx, accountsOf(without));
  for (const write of without) {
    const idTaken = write.write.kind === 'payment' || idsTaken.has(keyOf(write.write.view));
    refused.set(write, idTaken ? 'id_reused' : 'account_exists');
  }
  await dropKeys(tx, without);
  return refused;
}

async function stageCommands(tx: Transaction, door: Door, accepted: readonly Acceptable[]): Promise<Staged> {
  const traceparents = new Map<AnyOutgoing, string | undefined>();
  const commands = accepted.map((write) => {
    const command = commandOf(write);
    traceparents.set(command, write.traceparent);
    return command;
  });
  const staged = await door.messaging.outbox.stage(tx, commands, (command) => traceparents.get(command));
  crashAt('outbox-insert');
  insertPending(tx, withOutboxRows(accepted, staged, PARTITIONS[door.partitions]));
  return staged;
}

function commandOf({ tenant, livemode, actor, traceparent, write }: Acceptable): AnyOutgoing {
  const origin = { tenant, livemode, actor, ...(traceparent ? { traceparent } : {}) };
  return write.kind === 'payment'
    ? { type: 'payflow.payment.create.v1', subject: write.view.id, data: write.command, origin }
    : { type: 'payflow.account.open.v1', subject: write.view.id, data: write.command, origin };
}

/** Finds the outbox row of each command: rows hold their target's messages in the order they were given. */
function withOutboxRows(accepted: readonly Acceptable[], staged: Staged, partitions: number) {
  const rows = new Map<string, { row: Staged['rows'][number]; left: number }[]>();
  for (const row of staged.rows) {
    const target = `${row.topic}/${row.partition}`;
    rows.set(target, [...(rows.get(target) ?? []), { row, left: row.message_count }]);
  }
  return accepted.map((write) => {
    const queue = rows.get(targetOf(write, partitions));
    const first = queue?.[0];
    if (!queue || !first) throw new TypeError('a command has no outbox row');
    if (--first.left === 0) queue.shift();
    return [write, first.row] as const;
  });
}

function targetOf({ write }: Acceptable, partitions: number): string {
  const topic: Topic =
    MESSAGES[write.kind === 'payment' ? 'payflow.payment.create.v1' : 'payflow.account.open.v1'].topic;
  return `${topic}/${partitionOf(write.command.id, partitions)}`;
}

function copyOf(write: Acceptable, record: IdempotencyRecord | undefined): Acceptance {
  // Taken by another transaction and gone again: pruned this very moment. The client tries again with the same key.
  if (!record) throw new Error('an idempotency record vanished');
  if (!record.fingerprint.equals(write.fingerprint)) return { outcome: 'refused', code: 'idempotency_key_reused' };
  // Our own write, committed before the connection was lost.
  if (record.resourceId === write.write.view.id && !record.reply) return { outcome: 'accepted' };
  return record.reply
    ? { outcome: 'replayed', reply: record.reply }
    : { outcome: 'joined', resourceId: record.resourceId };
}

function paymentsOf(writes: readonly Acceptable[]): PaymentView[] {
  return writes.flatMap(({ write }) => (write.kind === 'payment' ? [write.view] : []));
}

function accountsOf(writes: readonly Acceptable[]): AccountView[] {
  return writes.flatMap(({ write }) => (write.kind === 'account' ? [write.view] : []));
}

/** The group's SQL lies in the trace of its first recorded member, linked to the others. */
async function inGroupSpan<T>(group: readonly Acceptable[], work: () => Promise<T>): Promise<T> {
  const recorded = group.flatMap(({ traceparent }) =>
    traceparent?.endsWith('01') ? [extractTraceContext(traceparent)] : [],
  );
  const [parent, ...others] = recorded;
  if (!parent) return work();
  const span = startGroupSpan(parent, others, group.length);
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } finally {
    span.end();
  }
}

function startGroupSpan(parent: Context, others: readonly Context[], members: number): Span {
  const links = others.slice(0, LINKS_MAX).flatMap((other): Link[] => {
    const linked = trace.getSpanContext(other);
    return linked ? [{ context: linked }] : [];
  });
  return tracer.startSpan(
    'accept',
    { kind: SpanKind.INTERNAL, links, attributes: { 'payflow.group.members': members } },
    parent,
  );
}
