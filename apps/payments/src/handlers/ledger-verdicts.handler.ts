import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { uuidOf, type AccountSnapshot, type AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { enqueue } from '@payflow/jobs';
import { Consumes, passedOverBefore, type AnyOutgoing, type Handled } from '@payflow/messaging';
import { loadLocked, lockLives, type Loaded } from '../database/life.repository.js';
import {
  decidedBy,
  finishPayments,
  keyOf,
  type PaymentKey,
  type VerdictOnPayment,
} from '../database/payment.repository.js';
import type { Payment } from '../domain/payment.js';
import { goOn, hearLedger, type StepVerdict } from '../domain/machine.js';
import { handleDisputeVerdicts, isBesidePayment } from './dispute-verdicts.js';
import { keysOf, mentionedBy, play, traceIdOf, type Turn } from './lives.js';
import { paymentEvent } from './tidings.js';

type TransferVerdict = AnyMessage<'payflow.transfer.posted.v1' | 'payflow.transfer.rejected.v1'>;
type HoldVerdict = AnyMessage<
  'payflow.hold.placed.v1' | 'payflow.hold.posted.v1' | 'payflow.hold.voided.v1' | 'payflow.hold.rejected.v1'
>;
type GroupVerdict = AnyMessage<'payflow.group.posted.v1' | 'payflow.group.rejected.v1'>;
type Verdict = TransferVerdict | HoldVerdict | GroupVerdict;
/** What can end a direct payment. */
type Direct = TransferVerdict | GroupVerdict;

/** Hears the ledger's verdicts: ends the direct payments they decide, and takes the others a step further. */
@Controller()
export class LedgerVerdictsHandler {
  @Consumes('payments.verdicts')
  async handle(@Payload() events: readonly Verdict[], @Ctx() tx: Transaction): Promise<Handled> {
    const ours = events.filter(isOfPayment);
    const others = events.length === ours.length ? [] : events.filter((event) => !isOfPayment(event));
    // Of what is no payment's, nothing here tells a repeat: it has its mark in the inbox.
    const passed = await passedOverBefore(
      tx,
      'payments.verdicts',
      others.map(({ id }) => id),
    );
    const own = ours.filter(isOwn);
    // A batch of one kind locks as it goes. One of both would lock in two rounds, each in order and not together, and wait for one
    // that has locked in between: it has all of its payments first, by the lock that its steps need anyway.
    const isMixed = own.length > 0 && own.length < ours.length;
    const [locked, direct] = await Promise.all([
      isMixed ? lockLives(tx, ours.map(paymentOf)) : undefined,
      finish(tx, own),
    ]);
    // What moved no direct payment may be the word on a step: a refund's transfer, or anything about a hold.
    const strange: Verdict[] = [];
    const steps = ours.filter((event) => !direct.heard.has(event.id)).map((event) => stepTurn(event, strange));
    const turns = [...direct.waited, ...steps];
    const loaded = locked && (await loadBehind(tx, turns, locked, direct.ended));
    const played = await play(tx, turns, { ended: direct.ended, ...(loaded && { loaded }) });
    await enqueue(tx, played.jobs);
    // Locks no payment that is not locked by then.
    const disputed = await handleDisputeVerdicts(tx, strange.filter(isOfTransfer).filter(isBesidePayment));
    return {
      messages: [...direct.messages, ...played.messages, ...disputed.messages],
      repeated: [...passed, ...direct.repeated, ...(played.repeated ?? []), ...(disputed.repeated ?? [])],
    };
  }
}

function isOfPayment({ data }: Verdict): boolean {
  return (data.payment ?? null) !== null;
}

interface Finished {
  readonly messages: readonly AnyOutgoing[];
  readonly ended: readonly Payment[];
  /** Verdicts that ended direct payments, now or before. */
  readonly heard: ReadonlySet<string>;
  readonly repeated: readonly string[];
  /** Payments for whose end something has waited. */
  readonly waited: readonly Turn[];
}

async function finish(tx: Transaction, events: readonly Direct[]): Promise<Finished> {
  const byPayment = new Map<string, Direct>();
  // The first word on a payment stands: what comes after it is the ledger's answer to a command id used twice.
  for (const event of events) {
    const key = keyOf(paymentOf(event));
    if (!byPayment.has(key)) byPayment.set(key, event);
  }
  const verdicts = [...byPayment.values()].map(toVerdict);
  const finished = verdicts.length > 0 ? await finishPayments(tx, verdicts) : [];
  const heard = new Set<string>();
  const waited: Turn[] = [];
  const messages = finished.map((payment): AnyOutgoing => {
    const cause = byPayment.get(keyOf(payment)) as Direct;
    heard.add(cause.id);
    if (payment.operation !== null) waited.push({ payment, message: cause, apply: goOn });
    return paymentEvent(payment, cause, accountsOf(cause));
  });
  const left = events.filter(({ id }) => !heard.has(id));
  const repeated = left.length > 0 ? await decidedBefore(tx, left) : [];
  for (const id of repeated) heard.add(id);
  return { messages, ended: finished, heard, repeated, waited };
}

/** What the turns are for, of payments that are locked: those that have ended meanwhile as they ended. */
function loadBehind(
  tx: Transaction,
  turns: readonly Turn[],
  locked: readonly Payment[],
  ended: readonly Payment[],
): Promise<Loaded> {
  const now = new Map([...locked, ...ended].map((payment) => [keyOf(payment), payment]));
  const payments = keysOf(turns).flatMap((key) => now.get(keyOf(key)) ?? []);
  return loadLocked(tx, payments, mentionedBy(turns));
}

/** Those that ended their payments at an earlier time. Whatever else moved nothing is heard for the first time. */
async function decidedBefore(tx: Transaction, events: readonly Direct[]): Promise<string[]> {
  const decisions = await decidedBy(tx, events.map(paymentOf));
  return events.map(({ id }) => id).filter((id) => decisions.has(id));
}

/** What is about no step of its payment is `strange`: it may be about a dispute. */
function stepTurn(event: Verdict, strange: Verdict[]): Turn {
  const verdict = stepVerdict(event);
  return {
    payment: paymentOf(event),
    message: event,
    mentions: { ledgerCommands: [uuidOf('event', verdict.commandId)] },
    apply: (life, moment) => {
      if (!life.steps.some(({ commandId }) => commandId === verdict.commandId)) strange.push(event);
      return hearLedger(life, verdict, moment);
    },
    isRepeated: ({ steps }) => steps.some(({ verdictId }) => verdictId === event.id),
  };
}

function stepVerdict(event: Verdict): StepVerdict {
  const { id: eventId, causationId: commandId, type, data } = event;
  const facts = { commandId, eventId, refusal: null, left: null };
  switch (type) {
    case 'payflow.hold.rejected.v1':
    case 'payflow.transfer.rejected.v1':
    case 'payflow.group.rejected.v1':
      return { ...facts, refusal: data.reason, accounts: [] };
    case 'payflow.transfer.posted.v1':
    case 'payflow.group.posted.v1':
      return { ...facts, accounts: accountsOf(event) };
    default: {
      const left = data.status === 'pending' ? BigInt(data.amount) - BigInt(data.posted) : 0n;
      return { ...facts, left, accounts: accountsOf(event) };
    }
  }
}

/**
 * Can end a direct payment: its transfer or group has the payment's UUID. A refund's or a division's has its own; a refund's may be
 * the payment's too, for clients choose it.
 */
function isOwn(event: Verdict): event is Direct {
  const payment = uuidOf('payment', event.data.payment as string);
  if (isOfTransfer(event)) return uuidOf('transfer', event.data.id) === payment;
  return isOfGroup(event) && uuidOf('group', event.data.id) === payment;
}

function isOfGroup(event: Verdict): event is GroupVerdict {
  return event.type === 'payflow.group.posted.v1' || event.type === 'payflow.group.rejected.v1';
}

function isOfTransfer(event: Verdict): event is TransferVerdict {
  return event.type === 'payflow.transfer.posted.v1' || event.type === 'payflow.transfer.rejected.v1';
}

function paymentOf({ tenant, livemode, data }: Verdict): PaymentKey {
  return { tenant, livemode, id: data.payment as string };
}

function toVerdict(event: Direct): VerdictOnPayment {
  const { tenant, livemode, id: eventId, causationId: ledgerCommandId } = event;
  const failureCode = 'reason' in event.data ? event.data.reason : null;
  return {
    payment: event.data.payment as string,
    tenant,
    livemode,
    ledgerCommandId,
    eventId,
    status: failureCode === null ? 'succeeded' : 'failed',
    failureCode,
    actor: event.actor,
    traceId: traceIdOf(event),
  };
}

function accountsOf(event: Verdict): AccountSnapshot[] {
  switch (event.type) {
    case 'payflow.transfer.rejected.v1':
    case 'payflow.hold.rejected.v1':
    case 'payflow.group.rejected.v1':
      return [];
    case 'payflow.group.posted.v1':
      return event.data.accounts.filter((account) => 'kind' in account);
    default:
      return [event.data.debit_account, event.data.credit_account];
  }
}
