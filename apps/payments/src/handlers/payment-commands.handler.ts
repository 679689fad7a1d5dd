import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  fromUuid,
  newId,
  uuidOf,
  type AnyMessage,
  type Message,
  type Refusable,
  type Refusal,
} from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { Consumes, Discards, Refuses, type AnyOutgoing, type Handled, type MessageContext } from '@payflow/messaging';
import {
  createdBy,
  findWaiting,
  finishPayments,
  insertPayments,
  keyOf,
  type VerdictOnPayment,
} from '../database/payment.repository.js';
import { handleDisputeCommands, isDisputeCommand, type DisputeCommand } from './dispute-commands.js';
import { finalEvent } from './final-event.js';
import { processingPayment, transferOf, type Payment } from '../domain/payment.js';

/** What a refusal needs of the command; a whole one has more. */
type Create = Refusable<'payflow.payment.create.v1'>;
type PaymentCommand = AnyMessage<'payflow.payment.create.v1' | 'payflow.payment.sweep.v1'> | DisputeCommand;

/** Takes accepted payments in and asks the ledger to book them. */
@Controller()
export class PaymentCommandsHandler {
  @Consumes('payments.commands')
  async handle(@Payload() commands: readonly PaymentCommand[], @Ctx() tx: Transaction): Promise<Handled> {
    const created = await create(
      tx,
      commands.filter((command) => command.type === 'payflow.payment.create.v1'),
    );
    const swept = await sweep(
      tx,
      commands.filter((command) => command.type === 'payflow.payment.sweep.v1'),
    );
    const disputed = await handleDisputeCommands(tx, commands.filter(isDisputeCommand));
    return {
      messages: [...created.messages, ...swept, ...disputed.messages],
      repeated: [...created.repeated, ...disputed.repeated],
    };
  }

  /** An operator gave the payment up before the ledger was asked: it is kept as failed, where a later copy finds it. */
  @Discards('payments.commands')
  async discard(@Payload() commands: readonly PaymentCommand[], @Ctx() tx: Transaction): Promise<Handled> {
    return giveUp(
      tx,
      commands.filter((command) => command.type === 'payflow.payment.create.v1'),
      'discarded',
    );
  }

  /** Too damaged to be carried out, and whole enough to be refused: kept as failed likewise. */
  @Refuses('payments.commands')
  async refuse(@Payload() creates: readonly Create[], @Ctx() tx: Transaction): Promise<Handled> {
    return giveUp(tx, creates, 'command_malformed');
  }
}

/** Ends payments that the ledger was not asked for. Those that are known already stay as they are: it may have been. */
async function giveUp(tx: Transaction, creates: readonly Create[], reason: Refusal): Promise<Handled> {
  const created = await create(tx, creates);
  const asked = new Map(created.messages.map((message) => [message.cause?.id, message.id as string]));
  const fresh = creates.filter(({ id }) => asked.has(id));
  const verdicts = fresh.map((command) => refusal(command, asked.get(command.id) as string, reason));
  const failed = verdicts.length > 0 ? await finishPayments(tx, verdicts) : [];
  const causes = new Map(fresh.map((command) => [keyOf({ ...command, id: command.data.id }), command]));
  return {
    messages: failed.map((payment) => finalEvent(payment, causes.get(keyOf(payment)) as Create, [])),
    repeated: created.repeated,
  };
}

/** Our own word in the place of the ledger's, which was never asked. */
function refusal(create: Create, ledgerCommandId: string, failureCode: Refusal): VerdictOnPayment {
  const { tenant, livemode, id: eventId, data } = create;
  return { payment: data.id, tenant, livemode, ledgerCommandId, eventId, status: 'failed', failureCode };
}

async function create(
  tx: Transaction,
  commands: readonly Create[],
): Promise<{ messages: AnyOutgoing[]; repeated: string[] }> {
  if (commands.length === 0) return { messages: [], repeated: [] };
  const payments = commands.map((command) => ({
    ...processingPayment(command, command.data, newId('event')),
    createCommandId: command.id,
  }));
  const inserted = await insertPayments(tx, payments);
  const messages: AnyOutgoing[] = [];
  const known: Payment[] = [];
  commands.forEach((command, at) => {
    const payment = payments[at] as Payment;
    // Two copies of one create in a batch share a key: only the first row was inserted, and deleted here for the second.
    if (inserted.delete(keyOf(payment))) messages.push(askLedger(payment, command));
    else known.push(payment);
  });
  if (known.length === 0) return { messages, repeated: [] };
  const creators = await createdBy(tx, known);
  return {
    messages,
    repeated: commands
      .filter(({ id, data }) => creators.has(id) && known.some((payment) => payment.id === data.id))
      .map(({ id }) => id),
  };
}

/** Payments that have heard nothing for long: the ledger is asked again, in the same words, and answers with the same verdict. */
async function sweep(
  tx: Transaction,
  commands: readonly Message<'payflow.payment.sweep.v1'>[],
): Promise<AnyOutgoing[]> {
  if (commands.length === 0) return [];
  const causes = new Map(commands.map((command) => [keyOf({ ...command, id: command.data.id }), command]));
  const waiting = await findWaiting(
    tx,
    commands.map(({ tenant, livemode, data }) => ({ tenant, livemode, id: data.id })),
  );
  return waiting.map((payment) => ({
    ...askLedger(payment, causes.get(keyOf(payment)) as PaymentCommand),
    resent: true,
  }));
}

/** One payment, one transfer: it carries the payment's UUID, so the ledger cannot book it twice. */
function askLedger(payment: Payment, cause: MessageContext): AnyOutgoing {
  const transferId = fromUuid('transfer', uuidOf('payment', payment.id));
  return {
    type: 'payflow.transfer.post.v1',
    id: payment.ledgerCommandId,
    subject: transferId,
    data: transferOf(payment, transferId),
    cause,
  };
}
