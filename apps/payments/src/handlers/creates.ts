import { newId, type AnyMessage, type Refusable } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { createdBy, insertPayments, keyOf } from '../database/payment.repository.js';
import { takeRetries } from '../database/retry.repository.js';
import { authorizationUuid } from '../domain/life.js';
import { isDirect, processingPayment, type Payment } from '../domain/payment.js';
import { paymentOf } from './turns.js';

/** What a refusal needs of the command; a whole one has more. */
export type Create = Refusable<'payflow.payment.create.v1'>;
export type WholeCreate = AnyMessage<'payflow.payment.create.v1'>;

/** Of a payment that begins by steps, its authorization is the first to be at work. */
export function newPayment(command: WholeCreate) {
  const direct = isDirect(command.data);
  const payment = processingPayment(command, command.data, direct ? newId('event') : null);
  const operation = direct || command.data.confirm === false ? null : authorizationUuid(payment.id);
  return { ...payment, operation, createCommandId: command.id };
}

type NewPayment = Payment & { readonly createCommandId: string };

export interface Added<C> {
  readonly payment: Payment;
  readonly command: C;
}

/** Inserts the payments. Returns those that were not there before, and the commands of the others. */
export async function add<C extends Create>(
  tx: Transaction,
  commands: readonly C[],
  payments: readonly NewPayment[],
): Promise<{ added: Added<C>[]; known: C[] }> {
  // Of two copies in a batch the first is inserted: each has a ledger command of its own, and the row must name the one that is sent.
  const firsts = new Map(payments.toReversed().map((payment) => [keyOf(payment), payment]));
  const inserted = await insertPayments(tx, [...firsts.values()]);
  const [added, known]: [Added<C>[], C[]] = [[], []];
  commands.forEach((command, at) => {
    const payment = payments[at] as Payment;
    const admission = inserted.get(keyOf(payment)) ?? null;
    // Taken out for the second copy.
    if (!inserted.delete(keyOf(payment))) known.push(command);
    else added.push({ command, payment: admission === null ? payment : { ...payment, admission } });
  });
  return { added, known };
}

/** Keys of the payments that may not begin: of what they try again another retry is under way, or has succeeded. */
export function barredRetries(tx: Transaction, added: readonly Added<Create>[]): Promise<ReadonlySet<string>> {
  const retries = added.flatMap(({ payment: { tenant, livemode, id, retryOf } }) =>
    retryOf === null ? [] : [{ tenant, livemode, id, retryOf }],
  );
  return takeRetries(tx, retries);
}

/** Ids of those that created their payments at an earlier time. */
export async function createdBefore(tx: Transaction, known: readonly Create[]): Promise<string[]> {
  if (known.length === 0) return [];
  const creators = await createdBy(tx, known.map(paymentOf));
  return known.map(({ id }) => id).filter((id) => creators.has(id));
}
