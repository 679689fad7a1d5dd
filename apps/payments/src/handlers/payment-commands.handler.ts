import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { newId, uuidOf, type AnyMessage, type Refusable, type Refusal } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { enqueue } from '@payflow/jobs';
import {
  Begun,
  Consumes,
  Discards,
  isSetClock,
  moveTestClocks,
  Refuses,
  type AnyOutgoing,
  type Handled,
  type SetClock,
} from '@payflow/messaging';
import { knownPayments } from '../database/life.repository.js';
import { createdBy, insertPayments, keyOf, lockPayments, type PaymentKey } from '../database/payment.repository.js';
import { lifeOf, operationOf, type Life, type Moment } from '../domain/life.js';
import { approve, ask, deny, expire, giveUp, hear, missAnswer, remind, start } from '../domain/machine.js';
import { isDirect, processingPayment, type Payment } from '../domain/payment.js';
import { admit, reviewOpened } from '../limits/admit.js';
import { refuseDefinitions, takeDefinitions, type DefineType } from '../limits/definitions.js';
import { admitIncreases, type IncreaseCommand } from '../limits/increase.js';
import { Policies, type OwnedPolicy } from '../limits/policy.repository.js';
import { decideAll, refuseDecision } from '../limits/reviews.js';
import { settleUses, usesOf } from '../limits/use.repository.js';
import { retellingOf } from '../providers/provider-jobs.js';
import { endDirect, type End } from './direct-ends.js';
import { handleDisputeCommands, isDisputeCommand, type DisputeCommand } from './dispute-commands.js';
import { play, type Played, type Turn } from './lives.js';
import { directTransfer } from './tidings.js';
import { bareWish, isWish, operationIdOf, wishOf, type DamagedWish, type WishCommand } from './wishes.js';

/** What a refusal needs of the command; a whole one has more. */
type Create = Refusable<'payflow.payment.create.v1'>;
type WholeCreate = AnyMessage<'payflow.payment.create.v1'>;
type Own = AnyMessage<'payflow.payment.sweep.v1' | 'payflow.payment.answer.v1' | 'payflow.payment.expire.v1'>;
type Answered = AnyMessage<'payflow.payment.answer.v1' | 'payflow.dispute.answer.v1'>;
type Policy = AnyMessage<DefineType | 'payflow.review.decide.v1'>;
type MachineCommand = WholeCreate | WishCommand | Own | Policy;
type PaymentCommand = MachineCommand | DisputeCommand;
type Damaged = Create | DamagedWish | Refusable<Policy['type']>;

/** As long as what the ledger would not do is left alone. */
const TOLD_AGAIN_AFTER_MS = 300_000;

/** Takes accepted payments in, and carries out what is asked of those that are there. */
@Controller()
export class PaymentCommandsHandler {
  private readonly policies = new Policies();

  @Consumes('payments.commands')
  async handle(@Payload() all: readonly (PaymentCommand | SetClock)[], @Ctx() tx: Transaction): Promise<Handled> {
    const clocks = await moveTestClocks(tx, all.filter(isSetClock));
    const batch = withoutClocks(all);
    const commands = batch.filter((command): command is MachineCommand => !isDisputeCommand(command));
    const defined = await takeDefinitions(tx, this.policies, commands.filter(isDefinition));
    const creates = commands.filter((command) => command.type === 'payflow.payment.create.v1');
    const created = await this.create(tx, creates, defined.policies, batch.flatMap(standingOf));
    const increases = commands.filter(isIncrease);
    const tooMuch = new Set<string>();
    const reviewed = await decideAll(
      tx,
      commands.filter((command) => command.type === 'payflow.review.decide.v1'),
    );
    const [direct, steps] = [reviewed.approved.filter(isOfDirect), reviewed.approved.filter((one) => !isOfDirect(one))];
    const ended = await endDirect(tx, [...created.ends, ...reviewed.denied.filter(isOfDirect)]);
    const turns = commands.flatMap((command): Turn[] => {
      if (isDefinition(command) || command.type === 'payflow.review.decide.v1') return [];
      if (isIncrease(command)) return [increaseTurn(command, tooMuch)];
      if (command.type !== 'payflow.payment.create.v1') return [turnOf(command)];
      const begin = created.begun.get(command.id);
      return begin ? [begin] : [];
    });
    const decided = [
      ...ended.waited,
      ...steps.map(({ payment, confirm, cause }): Turn => ({
        payment,
        message: cause,
        apply: (life, moment) => approve(life, confirm, moment),
      })),
      ...reviewed.denied.filter((one) => !isOfDirect(one)).map(denial),
    ];
    const played = await play(tx, [...decided, ...turns], created.fresh, async (lives) => {
      const passing = await admitIncreases(tx, this.policies, increases, lives, defined.policies);
      for (const id of passing) tooMuch.add(id);
    });
    const disputed = await handleDisputeCommands(tx, batch.filter(isDisputeCommand));
    await settleUses(tx, usesOf([...ended.ended, ...played.ended]));
    return {
      messages: [
        ...clocks.messages,
        ...defined.messages,
        ...created.messages,
        ...reviewed.messages,
        ...direct.map(({ payment, cause }) => directTransfer(payment, cause)),
        ...ended.messages,
        ...played.messages,
        ...disputed.messages,
      ],
      repeated: [
        ...clocks.repeated,
        ...defined.repeated,
        ...created.repeated,
        ...reviewed.repeated,
        ...(played.repeated ?? []),
        ...disputed.repeated,
      ],
    };
  }

  /**
   * An operator gave them up before anybody was asked: they are kept as failed, where a later copy finds them. What a provider has
   * answered cannot be given up: the message is, and another is sent later.
   */
  @Discards('payments.commands')
  async discard(@Payload() commands: readonly (PaymentCommand | SetClock)[], @Ctx() tx: Transaction): Promise<Handled> {
    const known = withoutClocks(commands);
    await answerAgain(tx, known.filter(isAnswer));
    return refuseAll(tx, known.filter((command) => !isOwn(command)) as Damaged[], 'discarded');
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

  /**
   * Takes payments in. Those of organisations with limits or rules go on only as these say. `standing`: what else the batch is
   * about. It is locked before the limits' windows, as by whoever ends payments: the other way round two would wait for each other.
   */
  private async create(
    tx: Transaction,
    commands: readonly WholeCreate[],
    defined: ReadonlyMap<string, OwnedPolicy>,
    standing: readonly PaymentKey[],
  ): Promise<Created> {
    if (commands.length === 0) return NOTHING;
    const { added, known } = await add(tx, commands, commands.map(newPayment));
    const judged = added.filter(({ payment }) => payment.admission !== null).map(({ command }) => command);
    if (judged.length > 0) await lockPayments(tx, standing);
    const admissions = await admit(tx, this.policies, judged, defined);
    const [messages, ends]: [AnyOutgoing[], End[]] = [[], []];
    const [begun, fresh] = [new Map<string, Turn>(), new Map<string, Life>()];
    for (const { payment, command } of added) {
      const admission = admissions.get(keyOf(payment));
      if (admission?.kind === 'review') {
        messages.push(reviewOpened(payment, admission, command));
        continue;
      }
      const denied = admission?.kind === 'denied' ? { payment, ...admission, cause: command } : undefined;
      if (payment.ledgerCommandId === null) {
        fresh.set(keyOf(payment), lifeOf(payment));
        begun.set(command.id, denied ? denial(denied) : beginning(payment, command));
      } else if (denied) ends.push(denied);
      else messages.push(directTransfer(payment, command));
    }
    return { messages, ends, repeated: await createdBefore(tx, known), begun, fresh };
  }
}

/** What is told of clocks is of no payment. */
function withoutClocks(commands: readonly (PaymentCommand | SetClock)[]): PaymentCommand[] {
  return commands.filter((command): command is PaymentCommand => !isSetClock(command));
}

function isDefinition(command: PaymentCommand): command is AnyMessage<DefineType> {
  return command.type === 'payflow.limit.define.v1' || command.type === 'payflow.risk_rule.define.v1';
}

function isOwn({ type }: PaymentCommand): boolean {
  return (
    type === 'payflow.payment.sweep.v1' || type === 'payflow.payment.answer.v1' || type === 'payflow.payment.expire.v1'
  );
}

function isAnswer(command: PaymentCommand): command is Answered {
  return command.type === 'payflow.payment.answer.v1' || command.type === 'payflow.dispute.answer.v1';
}

/** Has the worker tell again what it has noted, when somebody has had time to see to the reason; until then it is flagged. */
async function answerAgain(tx: Transaction, answers: readonly Answered[]): Promise<void> {
  if (answers.length === 0) return;
  await play(
    tx,
    answers
      .filter((answer) => answer.type === 'payflow.payment.answer.v1')
      .map((answer) => answered(answer, missAnswer)),
  );
  await enqueue(
    tx,
    answers.map(({ tenant, livemode, traceparent, data: { attempt: id } }) =>
      retellingOf({ tenant, livemode, id, traceparent }, TOLD_AGAIN_AFTER_MS),
    ),
  );
}

function isOfDirect({ payment }: { readonly payment: Payment }): boolean {
  return payment.ledgerCommandId !== null;
}

function beginning(payment: Payment, message: WholeCreate): Turn {
  return { payment, message, apply: (life, moment) => start(life, message.data, moment) };
}

/** Ends a payment that goes by steps, of which none was made. */
function denial({ payment, code, reason, cause }: End & { readonly reason: string }): Turn {
  return { payment, message: cause, apply: (life, moment) => deny(life, code, reason, moment) };
}

/** The payment that a command is about, where that may be there already. */
function standingOf(command: PaymentCommand): PaymentKey[] {
  if (isDisputeCommand(command)) return [paymentOf(command)];
  if (isDefinition(command) || command.type === 'payflow.payment.create.v1') return [];
  return [command.type === 'payflow.review.decide.v1' ? { ...command, id: command.data.payment } : paymentOf(command)];
}

/** Of what is numbered among the commands of a payment, or was created by it. */
function paymentOf({
  tenant,
  livemode,
  data,
}: Pick<PaymentCommand | Damaged, 'tenant' | 'livemode' | 'data'>): PaymentKey {
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

function isIncrease(command: MachineCommand): command is IncreaseCommand {
  return command.type === 'payflow.payment.increment.v1' || command.type === 'payflow.payment.capture.v1';
}

/** What would pass a limit is refused before it begins; `tooMuch` has the ids of those, when its turn comes. */
function increaseTurn(command: IncreaseCommand, tooMuch: ReadonlySet<string>): Turn {
  return {
    ...turnOf(command),
    apply: (life, moment) =>
      tooMuch.has(command.id)
        ? giveUp(life, wishOf(command), 'limit_exceeded', moment)
        : ask(life, wishOf(command), moment),
  };
}

function answered(
  answer: AnyMessage<'payflow.payment.answer.v1'>,
  hearing: (life: Life, operation: string, moment: Moment) => Life = (life, operation, moment) =>
    hear(life, answer.data, operation, moment),
): Turn {
  const attempt = uuidOf('attempt', answer.data.attempt);
  return {
    payment: paymentOf(answer),
    message: answer,
    mentions: { attempts: [attempt] },
    apply: (life, moment, { operationOfAttempt }) => {
      const operation = operationOfAttempt.get(attempt);
      return operation === undefined ? life : hearing(life, operation, moment);
    },
    isRepeated: (life, { operationOfAttempt }) =>
      operationOf(life, operationOfAttempt.get(attempt))?.answerId === answer.id,
  };
}

interface Created {
  /** To the ledger, for direct payments, and of reviews. */
  readonly messages: readonly AnyOutgoing[];
  readonly ends: readonly End[];
  readonly repeated: readonly string[];
  /** Payments that go by steps and were not there before: what begins each, by the id of its command. */
  readonly begun: ReadonlyMap<string, Turn>;
  readonly fresh: ReadonlyMap<string, Life>;
}

const NOTHING: Created = { messages: [], ends: [], repeated: [], begun: new Map(), fresh: new Map() };

/** Of a payment that begins by steps, its authorization is the first to be at work. */
function newPayment(command: WholeCreate) {
  const direct = isDirect(command.data);
  const payment = processingPayment(command, command.data, direct ? newId('event') : null);
  const operation = direct || command.data.confirm === false ? null : uuidOf('payment', payment.id);
  return { ...payment, operation, createCommandId: command.id };
}

type NewPayment = Payment & { readonly createCommandId: string };

interface Added<C> {
  readonly payment: Payment;
  readonly command: C;
}

/** Inserts the payments. Returns those that were not there before, and the commands of the others. */
async function add<C extends Create>(
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

async function createdBefore(tx: Transaction, known: readonly Create[]): Promise<string[]> {
  if (known.length === 0) return [];
  const creators = await createdBy(tx, known.map(paymentOf));
  return known.map(({ id }) => id).filter((id) => creators.has(id));
}

async function refuseAll(tx: Transaction, commands: readonly Damaged[], reason: Refusal): Promise<Handled> {
  const creates = commands.filter((command) => command.type === 'payflow.payment.create.v1');
  const refused = await refusePayments(tx, creates, reason);
  const policies = await refuseDefinitions(
    tx,
    commands.filter(
      (command) => command.type === 'payflow.limit.define.v1' || command.type === 'payflow.risk_rule.define.v1',
    ),
    reason,
  );
  const decisions = commands.filter((command) => command.type === 'payflow.review.decide.v1');
  const played = await play(
    tx,
    commands.filter(isWish).map((command) => refusedWish(command, reason)),
  );
  await settleUses(tx, usesOf([...refused.ended, ...played.ended]));
  return {
    messages: [
      ...refused.messages,
      ...policies.messages,
      ...decisions.map((command) => refuseDecision(command, reason)),
      ...played.messages,
    ],
    repeated: [...(refused.repeated ?? []), ...policies.repeated, ...(played.repeated ?? [])],
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
async function refusePayments(tx: Transaction, creates: readonly Create[], code: Refusal): Promise<Played> {
  if (creates.length === 0) return { messages: [], ended: [] };
  const payments = creates.map((command) => ({
    ...processingPayment(command, command.data, newId('event')),
    createCommandId: command.id,
  }));
  const { added, known } = await add(tx, creates, payments);
  const { messages, ended } = await endDirect(
    tx,
    added.map(({ payment, command }) => ({ payment, code, reason: null, cause: command })),
  );
  return { messages, ended, repeated: await createdBefore(tx, known) };
}
