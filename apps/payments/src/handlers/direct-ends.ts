import type { Refusal } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { AnyOutgoing, MessageContext } from '@payflow/messaging';
import { finishPayments, keyOf, type VerdictOnPayment } from '../database/payment.repository.js';
import { goOn } from '../domain/machine.js';
import type { Payment } from '../domain/payment.js';
import { traceIdOf, type Turn } from './lives.js';
import { paymentEvent } from './tidings.js';

/** A payment that ends before anybody was asked for it, and the message that ends it. */
export interface End {
  readonly payment: Payment;
  readonly code: Refusal;
  readonly reason: string | null;
  readonly cause: MessageContext;
}

/** Ends direct payments by our own word, in the place of the ledger's, which was never asked. */
export async function endDirect(
  tx: Transaction,
  ends: readonly End[],
): Promise<{
  readonly messages: readonly AnyOutgoing[];
  readonly waited: readonly Turn[];
  readonly ended: readonly Payment[];
}> {
  if (ends.length === 0) return { messages: [], waited: [], ended: [] };
  const failed = await finishPayments(tx, ends.map(toVerdict));
  const causes = new Map(ends.map(({ payment, cause }) => [keyOf(payment), cause]));
  const causeOf = (payment: Payment) => causes.get(keyOf(payment)) as MessageContext;
  return {
    ended: failed,
    messages: failed.map((payment) => paymentEvent(payment, causeOf(payment), [])),
    // For its end something may have waited.
    waited: failed
      .filter(({ operation }) => operation !== null)
      .map((payment) => ({ payment, message: causeOf(payment), apply: goOn })),
  };
}

function toVerdict({ payment, code, reason, cause }: End): VerdictOnPayment {
  const { id, tenant, livemode, ledgerCommandId } = payment;
  return {
    ...{ payment: id, tenant, livemode, ledgerCommandId: ledgerCommandId as string, eventId: cause.id },
    ...{ status: 'failed', failureCode: code, failureReason: reason, actor: cause.actor, traceId: traceIdOf(cause) },
  };
}
