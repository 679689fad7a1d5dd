import { uuidOf, type AnyMessage, type PaymentAnswer, type Refusable, type Refusal } from '@payflow/contracts';
import type { MessageContext } from '@payflow/messaging';
import type { OpenAttempt } from '../database/life.repository.js';
import type { PaymentKey } from '../database/payment.repository.js';
import { expire } from '../domain/course.js';
import { operationOf, withPayment, type Life, type Moment } from '../domain/life.js';
import { approve, ask, deny, giveUp, hear, remind, start } from '../domain/machine.js';
import type { Payment } from '../domain/payment.js';
import type { IncreaseCommand, Increases } from '../limits/increase.js';
import type { Approved, Denied } from '../limits/reviews.js';
import type { Turn } from './lives.js';
import { bareWish, operationIdOf, wishOf, type DamagedWish, type WishCommand } from './wishes.js';

/** What is heard on the service's own topic of payments that are there. */
export type Own = AnyMessage<'payflow.payment.sweep.v1' | 'payflow.payment.answer.v1' | 'payflow.payment.expire.v1'>;
type Create = Refusable<'payflow.payment.create.v1'>;

/** Of what is numbered among the commands of a payment, or was created by it. */
export function paymentOf({
  tenant,
  livemode,
  data,
}: Pick<MessageContext, 'tenant' | 'livemode'> & { readonly data: { readonly id: string } }): PaymentKey {
  return { tenant, livemode, id: data.id };
}

export function turnOf(command: WishCommand | Own): Turn {
  const facts = { payment: paymentOf(command), message: command };
  switch (command.type) {
    case 'payflow.payment.sweep.v1':
      return { ...facts, apply: remind };
    case 'payflow.payment.expire.v1':
      return { ...facts, apply: expire };
    case 'payflow.payment.answer.v1':
      return answered(command);
    default: {
      const operation = operationIdOf(command);
      return {
        ...facts,
        mentions: { operations: [operation] },
        apply: (life, moment) => ask(life, wishOf(command), moment),
        isRepeated: (life) => operationOf(life, operation)?.commandId === command.id,
        mustBeThere: true,
      };
    }
  }
}

/** What would pass a limit is refused before it begins. What the payment itself forbids, or has been done, asks nothing of any. */
export function increaseTurn(command: IncreaseCommand, increases: Increases): Turn {
  const wish = wishOf(command);
  return {
    ...turnOf(command),
    apply: (life, moment) => {
      const asked = ask(life, wish, moment);
      if (asked === life || operationOf(asked, wish.id)?.status === 'failed') return asked;
      return increases.admit(life, asked) ?? giveUp(life, wish, 'limit_exceeded', moment);
    },
  };
}

export function answered(
  answer: AnyMessage<'payflow.payment.answer.v1'>,
  hearing: (life: Life, operation: string, moment: Moment) => Life = (life, operation, moment) =>
    hear(life, answer.data, operation, moment),
): Turn {
  const attempt = uuidOf('attempt', answer.data.attempt);
  return {
    payment: paymentOf(answer),
    message: answer,
    mentions: { attempts: [attempt] },
    apply: (life, moment, { operationOfAttempt, openAttempts }) => {
      const operation = operationOfAttempt.get(attempt);
      const open = openAttempts.filter((one) => one.operation === operation);
      return operation === undefined || isBehind(answer.data, open) ? life : hearing(life, operation, moment);
    },
  };
}

/**
 * Where one provider after the other wants the customer to act, the word of the first may come again, or only now: it is with another by
 * then.
 */
function isBehind({ outcome, connector }: PaymentAnswer, open: readonly OpenAttempt[]): boolean {
  return outcome === 'requires_action' && open.length > 0 && open.every((attempt) => attempt.connector !== connector);
}

/** One whose payment is not here, or whose operation is, stays as it is: nobody can be told, or it has been carried out. */
export function refusedWish(command: DamagedWish, reason: Refusal): Turn {
  const operation = operationIdOf(command);
  return {
    payment: paymentOf(command),
    message: command,
    mentions: { operations: [operation] },
    apply: (life, moment) => giveUp(life, bareWish(command), reason, moment),
    isRepeated: (life) => operationOf(life, operation) !== undefined,
  };
}

/** Begins a payment that goes by steps, of which none was made. */
export function beginning(payment: Payment, message: AnyMessage<'payflow.payment.create.v1'>): Turn {
  return { payment, message, apply: (life, moment) => start(life, message.data, moment) };
}

/** Ends a payment that was just taken in, and that nobody was asked for. */
export function denial(payment: Payment, code: Refusal, reason: string | null, message: Create): Turn {
  return { payment, message, apply: (life, moment) => deny(life, code, reason, moment) };
}

/** A human has let it go on. A direct one is the ledger's from here. */
export function approval({ payment, confirm, cause }: Approved): Turn {
  const { ledgerCommandId } = payment;
  return {
    payment,
    message: cause,
    apply: (life, moment) =>
      ledgerCommandId === null
        ? approve(judged(life), confirm, moment)
        : withPayment(judged(life), { ledgerCommandId }),
  };
}

/** A human, or the end of its time, ends it. */
export function rejection({ payment, code, reason, cause }: Denied): Turn {
  return { payment, message: cause, apply: (life, moment) => deny(judged(life), code, reason, moment) };
}

function judged(life: Life): Life {
  return withPayment(life, { admission: 'judged' });
}
