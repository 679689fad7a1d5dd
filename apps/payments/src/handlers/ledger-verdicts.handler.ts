import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import type { AccountSnapshot, AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { Consumes, type AnyOutgoing, type Handled } from '@payflow/messaging';
import { decidedBy, finishPayments, keyOf, type VerdictOnPayment } from '../database/payment.repository.js';
import { settleUses, usesOf } from '../limits/use.repository.js';
import { finalEvent } from './final-event.js';

type Verdict = AnyMessage<'payflow.transfer.posted.v1' | 'payflow.transfer.rejected.v1'>;

/** Hears the ledger's verdicts and ends the payments they decide. */
@Controller()
export class LedgerVerdictsHandler {
  @Consumes('payments.verdicts')
  async handle(@Payload() events: readonly Verdict[], @Ctx() tx: Transaction): Promise<Handled> {
    const byPayment = new Map<string, Verdict>();
    for (const event of events) {
      const key = paymentKeyOf(event);
      // The first word on a payment stands: what comes after it is the ledger's answer to a command id used twice.
      if (key !== undefined && !byPayment.has(key)) byPayment.set(key, event);
    }
    const finished = await finishPayments(tx, [...byPayment.values()].map(toVerdict));
    await settleUses(tx, usesOf(finished));
    const deciding = new Set<string>();
    const messages = finished.map((payment): AnyOutgoing => {
      const cause = byPayment.get(keyOf(payment)) as Verdict;
      deciding.add(cause.id);
      return finalEvent(payment, cause, accountsOf(cause));
    });
    const left = events.filter((event) => paymentKeyOf(event) !== undefined && !deciding.has(event.id));
    return { messages, repeated: left.length > 0 ? await decidedBefore(tx, left) : [] };
  }
}

/** Those that ended their payments at an earlier time. Whatever else moved nothing is heard for the first time. */
async function decidedBefore(tx: Transaction, events: readonly Verdict[]): Promise<string[]> {
  const decisions = await decidedBy(
    tx,
    events.map(({ tenant, livemode, data }) => ({ tenant, livemode, id: data.payment as string })),
  );
  return events.map(({ id }) => id).filter((id) => decisions.has(id));
}

function paymentKeyOf({ tenant, livemode, data }: Verdict): string | undefined {
  return data.payment === null ? undefined : keyOf({ tenant, livemode, id: data.payment });
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
