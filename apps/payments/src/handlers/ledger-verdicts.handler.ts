import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { AccountSnapshot, AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { Consumes, type AnyOutgoing, type Handled } from '@payflow/messaging';
import { finishPayments, keyOf, type VerdictOnPayment } from '../database/payment.repository.js';
import { finalState } from '../domain/payment.js';

type Verdict = AnyMessage<'payflow.transfer.posted.v1' | 'payflow.transfer.rejected.v1'>;

/** Hears the ledger's verdicts and ends the payments they decide. */
@Controller()
export class LedgerVerdictsHandler {
  @Consumes('payments.verdicts')
  async handle(@Payload() events: readonly Verdict[], @Ctx() tx: Transaction): Promise<Handled> {
    const byPayment = new Map<string, Verdict>();
    for (const event of events) {
      const { payment } = event.data;
      if (payment !== null) byPayment.set(keyOf({ ...event, id: payment }), event);
    }
    const finished = await finishPayments(tx, [...byPayment.values()].map(toVerdict));
    const messages = finished.map((payment): AnyOutgoing => {
      const cause = byPayment.get(keyOf(payment)) as Verdict;
      byPayment.delete(keyOf(payment));
      return {
        type: payment.status === 'succeeded' ? 'payflow.payment.succeeded.v1' : 'payflow.payment.failed.v1',
        subject: payment.id,
        aggregateVersion: payment.version,
        data: finalState(payment, accountsOf(cause)),
        cause,
      };
    });
    // What is left moved nothing: the payment had ended by the same verdict before.
    return { messages, repeated: [...byPayment.values()].map(({ id }) => id) };
  }
}

function toVerdict(event: Verdict): VerdictOnPayment {
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
  };
}

function accountsOf(event: Verdict): AccountSnapshot[] {
  return event.type === 'payflow.transfer.posted.v1' ? [event.data.debit_account, event.data.credit_account] : [];
}
