import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { newId, toUuid, type AnyMessage, type Refusable, type Refusal } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { enqueue } from '@payflow/jobs';
import {
  Begun,
  Consumes,
  Discards,
  isSetClock,
  Known,
  moveTestClocks,
  Refuses,
  type Handled,
  type AnyOutgoing,
  type SetClock,
} from '@payflow/messaging';
import { commandsOfOperations, knownPayments } from '../database/life.repository.js';
import { keyOf } from '../database/payment.repository.js';
import { holdPolicies } from '../database/surroundings.repository.js';
import { lifeOf } from '../domain/life.js';
import { missAnswer } from '../domain/machine.js';
import { processingPayment } from '../domain/payment.js';
import { refuseDefinitions, type DefineType } from '../limits/definitions.js';
import { NO_CHANGES, saveJudgement } from '../limits/judgement.repository.js';
import { Policies } from '../limits/policy.repository.js';
import { refuseDecision } from '../limits/reviews.js';
import { retellingOf } from '../providers/provider-jobs.js';
import { playBehind, turnsOf } from './behind-disputes.js';
import { isDefinition, sortOut, type PaymentCommand } from './command-batch.js';
import { add, barredRetries, createdBefore, newPayment, type Create } from './creates.js';
import { asPlayed, handleDisputeCommands } from './dispute-commands.js';
import { evidenceRejected } from './docket.js';
import { holdBack } from './judged.js';
import { enact, play, record } from './lives.js';
import { lookAround } from './scene.js';
import { answered, denial, paymentOf, refusedWish, turnOf } from './turns.js';
import { isWish, operationIdOf, type DamagedWish } from './wishes.js';

type Answered = AnyMessage<'payflow.payment.answer.v1' | 'payflow.dispute.answer.v1'>;
type Damaged = Create | DamagedWish | Refusable<DefineType | 'payflow.review.decide.v1'>;

/** As long as what the ledger would not do is left alone. */
const TOLD_AGAIN_AFTER_MS = 300_000;

/** Takes accepted payments in, and carries out what is asked of those that are there. */
@Controller()
export class PaymentCommandsHandler {
  private readonly policies = new Policies();

  /** What is new is inserted; then all is locked, read, decided, and written: ten statements at most, whatever is in the batch, one more for retries, and what {@link playBehind} has for refunds behind a dispute's notice. */
  @Consumes('payments.commands')
  async handle(@Payload() commands: readonly (PaymentCommand | SetClock)[], @Ctx() tx: Transaction): Promise<Handled> {
    const batch = sortOut(commands);
    const clocks = await moveTestClocks(tx, batch.clocks);
    const created = await add(tx, batch.creates, batch.creates.map(newPayment));
    const barred = await barredRetries(tx, created.added);
    const scene = await lookAround(tx, this.policies, { batch, created, asked: batch.asked.map(turnOf) });
    const judged = await holdBack(tx, this.policies, { batch, added: created.added, barred, scene });
    const asked = turnsOf(batch.asked, judged.increases);
    const enacted = enact([...judged.turns, ...asked], { loaded: scene.loaded, fresh: judged.fresh });
    await saveJudgement(tx, judged.changes());
    const played = await record(tx, enacted);
    const disputed = await handleDisputeCommands(tx, batch.disputes, scene.disputable?.map(asPlayed(played.lives)));
    const after = await playBehind(tx, this.policies, batch.afterDisputes, judged.policies);
    await enqueue(tx, [...played.jobs, ...disputed.jobs, ...after.jobs]);
    const repeated = created.known.map(({ id }) => id).filter((id) => scene.creators.has(id));
    return {
      messages: [...clocks.messages, ...judged.messages, ...played.messages, ...disputed.messages, ...after.messages],
      repeated: [
        ...[...clocks.repeated, ...judged.repeated, ...repeated, ...(played.repeated ?? [])],
        ...[...disputed.repeated, ...(after.repeated ?? [])],
      ],
    };
  }

  /**
   * An operator gave them up before anybody was asked: they are kept as failed, where a later copy finds them. What a provider has
   * answered cannot be given up: the message is, and another is sent later.
   */
  @Discards('payments.commands')
  async discard(@Payload() commands: readonly (PaymentCommand | SetClock)[], @Ctx() tx: Transaction): Promise<Handled> {
    const known = commands.filter((command): command is PaymentCommand => !isSetClock(command));
    await answerAgain(tx, known.filter(isAnswer));
    const refused = await refuseAll(tx, known.filter((command) => !isOwn(command)) as Damaged[], 'discarded');
    return { ...refused, messages: [...refused.messages, ...known.flatMap(evidenceDiscarded)] };
  }

  /** Too damaged to be carried out, and whole enough to be refused: kept as failed likewise. */
  @Refuses('payments.commands')
  async refuse(@Payload() commands: readonly Damaged[], @Ctx() tx: Transaction): Promise<Handled> {
    return refuseAll(tx, commands, 'command_malformed');
  }

  /** Behind a parked payment nothing waits that was done before: what created a payment, and what was asked of one. */
  @Known('payments.commands')
  async known(@Payload() commands: readonly (PaymentCommand | SetClock)[], @Ctx() tx: Transaction): Promise<string[]> {
    const ofPayments = commands.filter((command): command is PaymentCommand => !isSetClock(command));
    const creates = ofPayments.filter((command) => command.type === 'payflow.payment.create.v1');
    const wishes = ofPayments.filter(isWish);
    const asked = wishes.map((wish) => ({ ...wish, id: operationIdOf(wish) }));
    const carriedOut = asked.length > 0 ? await commandsOfOperations(tx, asked) : new Set<string>();
    return [...(await createdBefore(tx, creates)), ...wishes.map(({ id }) => id).filter((id) => carriedOut.has(id))];
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

/** Nothing was kept of it, and it may be sent anew: whoever sent it is told, where it can be read of what it was. */
function evidenceDiscarded(command: PaymentCommand): AnyOutgoing[] {
  if (command.type !== 'payflow.dispute.submit_evidence.v1') return [];
  const { id: payment, dispute } = command.data;
  if (!toUuid('payment', payment) || !toUuid('dispute', dispute)) return [];
  const reason: Refusal = 'discarded';
  return [evidenceRejected({ id: dispute, payment, version: 0 }, { command: command.id, reason }, command)];
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
  const turns = answers
    .filter((answer) => answer.type === 'payflow.payment.answer.v1')
    .map((answer) => answered(answer, missAnswer));
  const { jobs } = await play(tx, turns);
  const retold = answers.map(({ tenant, livemode, traceparent, data: { attempt: id } }) =>
    retellingOf({ tenant, livemode, id, traceparent }, TOLD_AGAIN_AFTER_MS),
  );
  await enqueue(tx, [...jobs, ...retold]);
}

/** Payments, wishes and definitions are kept as refused; a decision is only told so. Payments that are known already stay as they are. */
async function refuseAll(tx: Transaction, commands: readonly Damaged[], reason: Refusal): Promise<Handled> {
  const creates = commands.filter((command) => command.type === 'payflow.payment.create.v1');
  const { added, known } = await add(tx, creates, creates.map(toRefuse));
  const defining = commands.filter(isDefinition);
  const answers = defining.length > 0 ? await holdPolicies(tx, defining) : new Set<string>();
  const policies = refuseDefinitions(defining, answers, reason);
  await saveJudgement(tx, { ...NO_CHANGES, definitions: policies.definitions });
  const ends = added.map(({ payment, command }) => denial(payment, reason, null, command));
  const wishes = commands.filter(isWish).map((command) => refusedWish(command, reason));
  const fresh = new Map(added.map(({ payment }) => [keyOf(payment), lifeOf(payment)]));
  const played = await play(tx, [...ends, ...wishes], { fresh });
  await enqueue(tx, played.jobs);
  const decisions = commands.filter((command) => command.type === 'payflow.review.decide.v1');
  return {
    messages: [
      ...policies.messages,
      ...decisions.map((command) => refuseDecision(command, reason)),
      ...played.messages,
    ],
    repeated: [...(await createdBefore(tx, known)), ...policies.repeated, ...(played.repeated ?? [])],
  };
}

function toRefuse(command: Create) {
  return { ...processingPayment(command, command.data, newId('event')), createCommandId: command.id };
}
