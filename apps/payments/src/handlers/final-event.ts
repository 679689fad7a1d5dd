import type { AccountSnapshot } from '@payflow/contracts';
import type { AnyOutgoing, MessageContext } from '@payflow/messaging';
import { finalState, type Payment } from '../domain/payment.js';

/** The event that tells of a payment's end, with both accounts as its transfer left them. */
export function finalEvent(payment: Payment, cause: MessageContext, accounts: readonly AccountSnapshot[]): AnyOutgoing {
  return {
    type: payment.status === 'succeeded' ? 'payflow.payment.succeeded.v1' : 'payflow.payment.failed.v1',
    subject: payment.id,
    aggregateVersion: payment.version,
    data: finalState(payment, accounts),
    cause,
  };
}
