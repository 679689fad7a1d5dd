import { uuidOf, type AccountSnapshot, type AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { Handled } from '@payflow/messaging';
import type { PaymentKey } from '../database/payment.repository.js';
import { legAnswered } from '../domain/dispute.js';
import { Docket } from './docket.js';

export type TransferVerdict = AnyMessage<'payflow.transfer.posted.v1' | 'payflow.transfer.rejected.v1'>;

/**
 * True for a transfer that may be a dispute's: of a payment, and not the one that booked it, which has the payment's own UUID.
 * Costs nothing where all are.
 */
export function isBesidePayment({ data: { id, payment } }: TransferVerdict): boolean {
  return payment !== null && uuidOf('transfer', id) !== uuidOf('payment', payment);
}

/** The ledger's word on the money of disputes. Two statements at most; what is about something else is left alone. */
export async function handleDisputeVerdicts(tx: Transaction, events: readonly TransferVerdict[]): Promise<Handled> {
  if (events.length === 0) return { messages: [], repeated: [] };
  const docket = await Docket.of(tx, events.map(paymentOf));
  const repeated: string[] = [];
  for (const event of events) {
    const payment = docket.payment(paymentOf(event));
    if (!payment) continue;
    const dispute = docket.find(payment, (d) => d.legCommand === event.causationId);
    const course = dispute ? legAnswered(dispute, wordOf(event), docket.momentOf(payment)) : 'known';
    if (course === 'known') {
      if (payment.verdicts.has(event.id)) repeated.push(event.id);
      continue;
    }
    docket.verdicts.push({ command: event.causationId, eventId: event.id, reason: wordOf(event).reason });
    docket.enter(course, event);
  }
  const { messages } = await docket.save(tx);
  return { messages, repeated };
}

function paymentOf({ tenant, livemode, data: { payment } }: TransferVerdict): PaymentKey {
  return { tenant, livemode, id: payment as string };
}

function wordOf(event: TransferVerdict): {
  readonly isPosted: boolean;
  readonly reason: string | null;
  readonly accounts: readonly AccountSnapshot[];
} {
  if (event.type === 'payflow.transfer.rejected.v1')
    return { isPosted: false, reason: event.data.reason, accounts: [] };
  return { isPosted: true, reason: null, accounts: [event.data.debit_account, event.data.credit_account] };
}
