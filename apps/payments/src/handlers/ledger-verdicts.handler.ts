import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { uuidOf, type AccountSnapshot, type AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { Consumes, type AnyOutgoing, type Handled } from '@payflow/messaging';
import {
  decidedBy,
  finishPayments,
  keyOf,
  type PaymentKey,
  type VerdictOnPayment,
} from '../database/payment.repository.js';
import { goOn, hearLedger, type StepVerdict } from '../domain/machine.js';
import { settleUses, usesOf } from '../limits/use.repository.js';
import { play, traceIdOf, type Turn } from './lives.js';
import { paymentEvent } from './tidings.js';

type TransferVerdict = AnyMessage<'payflow.transfer.posted.v1' | 'payflow.transfer.rejected.v1'>;
type HoldVerdict = AnyMessage<
  'payflow.hold.placed.v1' | 'payflow.hold.posted.v1' | 'payflow.hold.voided.v1' | 'payflow.hold.rejected.v1'
>;
type Verdict = TransferVerdict | HoldVerdict;

/** Hears the ledger's verdicts: ends the direct payments they decide, and takes the others a step further. */
@Controller()
export class LedgerVerdictsHandler {
  @Consumes('payments.verdicts')
  async handle(@Payload() events: readonly Verdict[], @Ctx() tx: Transaction): Promise<Handled> {
    const ours = events.filter(({ data }) => data.payment !== null);
    const direct = await finish(tx, ours.filter(isOfTransfer));
    // What moved no direct payment may be the word on a step: a refund's transfer, or anything about a hold.
    const steps = ours.filter((event) => !direct.heard.has(event.id)).map(stepTurn);
    const played = await play(tx, [...direct.waited, ...steps]);
    return {
      messages: [...direct.messages, ...played.messages],
      repeated: [...direct.repeated, ...(played.repeated ?? [])],
    };
  }
}

interface Finished {
  readonly messages: readonly AnyOutgoing[];
  /** Verdicts that ended direct payments, now or before. */
  readonly heard: ReadonlySet<string>;
  readonly repeated: readonly string[];
  /** Payments for whose end something has waited. */
  readonly waited: readonly Turn[];
}

async function finish(tx: Transaction, events: readonly TransferVerdict[]): Promise<Finished> {
  const byPayment = new Map<string, TransferVerdict>();
  // The first word on a payment stands: what comes after it is the ledger's answer to a command id used twice.
  for (const event of events) {
    const key = keyOf(paymentOf(event));
    const first = byPayment.get(key);
    if (!first || !isOwnTransfer(first)) byPayment.set(key, event);
  }
  const verdicts = [...byPayment.values()].map(toVerdict);
  const finished = verdicts.length > 0 ? await finishPayments(tx, verdicts) : [];
  await settleUses(tx, usesOf(finished));
  const heard = new Set<string>();
  const waited: Turn[] = [];
  const messages = finished.map((payment): AnyOutgoing => {
    const cause = byPayment.get(keyOf(payment)) as TransferVerdict;
    heard.add(cause.id);
    if (payment.operation !== null) waited.push({ payment, message: cause, apply: goOn });
    return paymentEvent(payment, cause, accountsOf(cause));
  });
  const left = events.filter(({ id }) => !heard.has(id));
  const repeated = left.length > 0 ? await decidedBefore(tx, left) : [];
  for (const id of repeated) heard.add(id);
  return { messages, heard, repeated, waited };
}

/** A direct payment's transfer has the payment's UUID, a refund's its own. */
function isOwnTransfer({ data }: TransferVerdict): boolean {
  return uuidOf('transfer', data.id) === uuidOf('payment', data.payment as string);
}

/** Those that ended their payments at an earlier time. Whatever else moved nothing is heard for the first time. */
async function decidedBefore(tx: Transaction, events: readonly TransferVerdict[]): Promise<string[]> {
  const decisions = await decidedBy(tx, events.map(paymentOf));
  return events.map(({ id }) => id).filter((id) => decisions.has(id));
}

function stepTurn(event: Verdict): Turn {
  const verdict = stepVerdict(event);
  return {
    payment: paymentOf(event),
    message: event,
    mentions: { ledgerCommands: [uuidOf('event', verdict.commandId)] },
    apply: (life, moment) => hearLedger(life, verdict, moment),
    isRepeated: ({ steps }) => steps.some(({ verdictId }) => verdictId === event.id),
  };
}

function stepVerdict(event: Verdict): StepVerdict {
  const { id: eventId, causationId: commandId, type, data } = event;
  const facts = { commandId, eventId, refusal: null, left: null };
  switch (type) {
    case 'payflow.hold.rejected.v1':
    case 'payflow.transfer.rejected.v1':
      return { ...facts, refusal: data.reason, accounts: [] };
    case 'payflow.transfer.posted.v1':
      return { ...facts, accounts: accountsOf(event) };
    default: {
      const left = data.status === 'pending' ? BigInt(data.amount) - BigInt(data.posted) : 0n;
      return { ...facts, left, accounts: accountsOf(event) };
    }
  }
}

function isOfTransfer(event: Verdict): event is TransferVerdict {
  return event.type === 'payflow.transfer.posted.v1' || event.type === 'payflow.transfer.rejected.v1';
}

function paymentOf({ tenant, livemode, data }: Verdict): PaymentKey {
  return { tenant, livemode, id: data.payment as string };
}

function toVerdict(event: TransferVerdict): VerdictOnPayment {
  const { tenant, livemode, id: eventId, causationId: ledgerCommandId } = event;
  const posted = event.type === 'payflow.transfer.posted.v1';
  return {
    payment: event.data.payment as string,
    tenant,
    livemode,
    ledgerCommandId,
    eventId,
    status: posted ? 'succeeded' : 'failed',
    failureCode: posted ? null : event.data.reason,
    actor: event.actor,
    traceId: traceIdOf(event),
  };
}

function accountsOf(event: Verdict): AccountSnapshot[] {
  switch (event.type) {
    case 'payflow.transfer.rejected.v1':
    case 'payflow.hold.rejected.v1':
      return [];
    default:
      return [event.data.debit_account, event.data.credit_account];
  }
}
