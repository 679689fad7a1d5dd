import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { newId, uuidOf, type AnyMessage, type Refusable, type Refusal } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { Begun, Consumes, Discards, Refuses, type AnyOutgoing, type Handled } from '@payflow/messaging';
import { knownPayments } from '../database/life.repository.js';
import { createdBy, finishPayments, insertPayments, keyOf, type PaymentKey } from '../database/payment.repository.js';
import { lifeOf, operationOf, type Life } from '../domain/life.js';
import { ask, expire, giveUp, hear, remind, start } from '../domain/machine.js';
import { isDirect, processingPayment, type Payment } from '../domain/payment.js';
import { handleDisputeCommands, isDisputeCommand, type DisputeCommand } from './dispute-commands.js';
import { play, traceIdOf, type Turn } from './lives.js';
import { directTransfer, paymentEvent } from './tidings.js';
import { bareWish, isWish, operationIdOf, wishOf, type DamagedWish, type WishCommand } from './wishes.js';

/** What a refusal needs of the command; a whole one has more. */
type Create = Refusable<'payflow.payment.create.v1'>;
type WholeCreate = AnyMessage<'payflow.payment.create.v1'>;
type Own = AnyMessage<'payflow.payment.sweep.v1' | 'payflow.payment.answer.v1' | 'payflow.payment.expire.v1'>;
type MachineCommand = WholeCreate | WishCommand | Own;
type PaymentCommand = MachineCommand | DisputeCommand;
type Damaged = Create | DamagedWish;

/** Takes accepted payments in, and carries out what is asked of those that are there. */
@Controller()
export class PaymentCommandsHandler {
  @Consumes('payments.commands')
  async handle(@Payload() batch: readonly PaymentCommand[], @Ctx() tx: Transaction): Promise<Handled> {
    const commands = batch.filter((command): command is MachineCommand => !isDisputeCommand(command));
    const creates = commands.filter((command) => command.type === 'payflow.payment.create.v1');
    const created = await create(tx, creates);
    const turns = commands.flatMap((command): Turn[] => {
      if (command.type !== 'payflow.payment.create.v1') return [turnOf(command)];
      const begin = created.begun.get(command.id);
      return begin ? [begin] : [];
    });
    const played = await play(tx, turns, created.fresh);
    const disputed = await handleDisputeCommands(tx, batch.filter(isDisputeCommand));
    return {
      messages: [...created.messages, ...played.messages, ...disputed.messages],
      repeated: [...created.repeated, ...(played.repeated ?? []), ...disputed.repeated],
    };
  }

  /** An operator gave them up before anybody was asked: they are kept as failed, where a later copy finds them. */
  @Discards('payments.commands')
  async discard(@Payload() commands: readonly PaymentCommand[], @Ctx() tx: Transaction): Promise<Handled> {
    return refuseAll(
      tx,
      commands.filter((command) => command.type === 'payflow.payment.create.v1' || isWish(command)) as Damaged[],
      'discarded',
    );
  }

  /** Too damaged to be carried out, and whole enough to be refused: kept as failed likewise. */
  @Refuses('payments.commands')
  async refuse(@Payload() commands: readonly Damaged[], @Ctx() tx: Transaction): Promise<Handled> {
    return refuseAll(tx, commands, 'command_malformed');
  }

  /** Later commands wait until their payment is there. */
  @Begun('payments.commands')
  async begun(
    @Payload() commands: readonly PaymentCommand[],
    @Ctx() tx: Transaction,
  ): Promise<readonly PaymentCommand[]> {
    const known = await knownPayments(tx, commands.map(paymentOf));
    return commands.filter((command) => known.has(keyOf(paymentOf(command))));
  }
}

function paymentOf({ tenant, livemode, data }: PaymentCommand | Damaged): PaymentKey {
  return { tenant, livemode, id: data.id };
}

function turnOf(command: WishCommand | Own): Turn {
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

function answered(answer: AnyMessage<'payflow.payment.answer.v1'>): Turn {
  const attempt = uuidOf('attempt', answer.data.attempt);
  return {
    payment: paymentOf(answer),
    message: answer,
    mentions: { attempts: [attempt] },
    apply: (life, moment, { operationOfAttempt }) => {
      const operation = operationOfAttempt.get(attempt);
      return operation === undefined ? life : hear(life, answer.data, operation, moment);
    },
    isRepeated: (life, { operationOfAttempt }) =>
      operationOf(life, operationOfAttempt.get(attempt))?.answerId === answer.id,
  };
}

interface Created {
  /** To the ledger, for direct payments. */
  readonly messages: readonly AnyOutgoing[];
  readonly repeated: readonly string[];
  /** Payments that go by steps and were not there before: what begins each, by the id of its command. */
  readonly begun: ReadonlyMap<string, Turn>;
  readonly fresh: ReadonlyMap<string, Life>;
}

const NOTHING: Created = { messages: [], repeated: [], begun: new Map(), fresh: new Map() };

async function create(tx: Transaction, commands: readonly WholeCreate[]): Promise<Created> {
  if (commands.length === 0) return NOTHING;
  const payments = commands.map((command) => newPayment(command));
  const { added, known } = await add(tx, commands, payments);
  const messages: AnyOutgoing[] = [];
  const begun = new Map<string, Turn>();
  const fresh = new Map<string, Life>();
  for (const at of added) {
    const [command, payment] = [commands[at] as WholeCreate, payments[at] as Payment];
    if (payment.ledgerCommandId !== null) messages.push(directTransfer(payment, command));
    else {
      fresh.set(keyOf(payment), lifeOf(payment));
      begun.set(command.id, {
        payment,
        message: command,
        apply: (life, moment) => start(life, command.data, moment),
      });
    }
  }
  return { messages, repeated: await createdBefore(tx, commands, known), begun, fresh };
}

/** Of a payment that begins by steps, its authorization is the first to be at work. */
function newPayment(command: WholeCreate) {
  const direct = isDirect(command.data);
  const payment = processingPayment(command, command.data, direct ? newId('event') : null);
  const operation = direct || command.data.confirm === false ? null : uuidOf('payment', payment.id);
  return { ...payment, operation, createCommandId: command.id };
}

type NewPayment = Payment & { readonly createCommandId: string };

/** Inserts the payments. Returns the places of those that were not there before, and of the others. */
async function add(
  tx: Transaction,
  commands: readonly Create[],
  payments: readonly NewPayment[],
): Promise<{ added: number[]; known: number[] }> {
  const inserted = await insertPayments(tx, payments);
  const [added, known]: [number[], number[]] = [[], []];
  commands.forEach((_, at) => {
    // Two copies of one create in a batch share a key: only the first row was inserted, and deleted here for the second.
    (inserted.delete(keyOf(payments[at] as Payment)) ? added : known).push(at);
  });
  return { added, known };
}

async function createdBefore(
  tx: Transaction,
  commands: readonly Create[],
  known: readonly number[],
): Promise<string[]> {
  if (known.length === 0) return [];
  const again = known.map((at) => commands[at] as Create);
  const creators = await createdBy(
    tx,
    again.map((command) => paymentOf(command)),
  );
  return again.map(({ id }) => id).filter((id) => creators.has(id));
}

async function refuseAll(tx: Transaction, commands: readonly Damaged[], reason: Refusal): Promise<Handled> {
  const creates = commands.filter((command) => command.type === 'payflow.payment.create.v1');
  const refused = await refusePayments(tx, creates, reason);
  const played = await play(
    tx,
    commands.filter(isWish).map((command) => refusedWish(command, reason)),
  );
  return {
    messages: [...refused.messages, ...played.messages],
    repeated: [...(refused.repeated ?? []), ...(played.repeated ?? [])],
  };
}

/** One whose payment is not here, or whose operation is, stays as it is: nobody can be told, or it has been carried out. */
function refusedWish(command: DamagedWish, reason: Refusal): Turn {
  const operation = operationIdOf(command);
  return {
    payment: paymentOf(command),
    message: command,
    mentions: { operations: [operation] },
    apply: (life, moment) => giveUp(life, bareWish(command), reason, moment),
    isRepeated: (life) => operationOf(life, operation) !== undefined,
  };
}

/** Ends payments that nobody was asked for. Those that are known already stay as they are: somebody may have been. */
async function refusePayments(tx: Transaction, creates: readonly Create[], failureCode: Refusal): Promise<Handled> {
  if (creates.length === 0) return { messages: [] };
  const payments = creates.map((command) => ({
    ...processingPayment(command, command.data, newId('event')),
    createCommandId: command.id,
  }));
  const { added, known } = await add(tx, creates, payments);
  const causes = new Map(added.map((at) => [keyOf(payments[at] as Payment), creates[at] as Create]));
  // Our own word in the place of the ledger's, which was never asked.
  const verdicts = added.map((at) => {
    const [command, { id, tenant, livemode, ledgerCommandId }] = [creates[at] as Create, payments[at] as Payment];
    const who = { actor: command.actor, traceId: traceIdOf(command) };
    const what = {
      status: 'failed',
      failureCode,
      eventId: command.id,
      ledgerCommandId: ledgerCommandId as string,
    } as const;
    return { payment: id, tenant, livemode, ...what, ...who };
  });
  const failed = verdicts.length > 0 ? await finishPayments(tx, verdicts) : [];
  return {
    messages: failed.map((payment) => paymentEvent(payment, causes.get(keyOf(payment)) as Create, [])),
    repeated: await createdBefore(tx, creates, known),
  };
}
