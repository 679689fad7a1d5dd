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
import { processingPayment, transferOf, type Payment } from '../domain/payment.js';
import { admit, reviewOpened } from '../limits/admit.js';
import { refuseDefinitions, takeDefinitions } from '../limits/definitions.js';
import { Policies, type OwnedPolicy } from '../limits/policy.repository.js';
import { decideAll, refuseDecision, type Overdue } from '../limits/reviews.js';
import { settleUses, usesOf } from '../limits/use.repository.js';
import { finalEvent } from './final-event.js';

/** What a refusal needs of the command; a whole one has more. */
type Create = Refusable<'payflow.payment.create.v1'>;
type PolicyType = 'payflow.limit.define.v1' | 'payflow.risk_rule.define.v1';
type PaymentCommand = AnyMessage<
  'payflow.payment.create.v1' | 'payflow.payment.sweep.v1' | PolicyType | 'payflow.review.decide.v1'
>;
type Damaged = Refusable<'payflow.payment.create.v1' | PolicyType | 'payflow.review.decide.v1'>;

/** A payment that ends here, before the ledger was asked, and the message that ends it. */
interface End {
  readonly payment: Payment;
  readonly code: Refusal;
  readonly reason: string | null;
  readonly cause: MessageContext & { readonly id: string };
}

interface Taken {
  readonly messages: readonly AnyOutgoing[];
  readonly ends: readonly End[];
  readonly repeated: readonly string[];
}

/** Takes accepted payments in, holds them against limits and rules, and asks the ledger to book them. */
@Controller()
export class PaymentCommandsHandler {
  private readonly policies = new Policies();

  @Consumes('payments.commands')
  async handle(@Payload() commands: readonly PaymentCommand[], @Ctx() tx: Transaction): Promise<Handled> {
    const defined = await takeDefinitions(
      tx,
      this.policies,
      commands.filter((command) => isDefinition(command)),
    );
    const created = await this.create(tx, ofType(commands, 'payflow.payment.create.v1'), defined.policies);
    const swept = await sweep(tx, ofType(commands, 'payflow.payment.sweep.v1'));
    const reviewed = await decideAll(tx, ofType(commands, 'payflow.review.decide.v1'), swept.overdue);
    const started = reviewed.approved.map(({ payment, cause }) => askLedger(payment, cause));
    const ended = await end(tx, [...created.ends, ...reviewed.ended]);
    return {
      messages: [
        ...defined.messages,
        ...created.messages,
        ...swept.messages,
        ...reviewed.messages,
        ...started,
        ...ended,
      ],
      repeated: [...defined.repeated, ...created.repeated, ...reviewed.repeated],
    };
  }

  /** An operator gave the command up before anything came of it: a payment is kept as failed, where a later copy finds it. */
  @Discards('payments.commands')
  async discard(@Payload() commands: readonly PaymentCommand[], @Ctx() tx: Transaction): Promise<Handled> {
    return giveUp(
      tx,
      commands.filter((command) => command.type !== 'payflow.payment.sweep.v1'),
      'discarded',
    );
  }

  /** Too damaged to be carried out, and whole enough to be refused: kept as failed likewise. */
  @Refuses('payments.commands')
  async refuse(@Payload() commands: readonly Damaged[], @Ctx() tx: Transaction): Promise<Handled> {
    return giveUp(tx, commands, 'command_malformed');
  }

  /** Takes payments in; those of organisations with limits or rules go on only as these say. */
  private async create(
    tx: Transaction,
    commands: readonly Create[],
    defined: ReadonlyMap<string, OwnedPolicy>,
  ): Promise<Taken> {
    const { fresh, repeated } = await insert(tx, commands);
    const judged = fresh.filter(({ payment }) => payment.admission !== null).map(({ command }) => command);
    const admissions = await admit(tx, this.policies, judged, defined);
    const messages: AnyOutgoing[] = [];
    const ends: End[] = [];
    for (const { payment, command } of fresh) {
      const admission = admissions.get(keyOf(payment));
      if (admission?.kind === 'denied') ends.push({ payment, ...admission, cause: command });
      else if (admission?.kind === 'review') messages.push(reviewOpened(payment, admission, command));
      else messages.push(askLedger(payment, command));
    }
    return { messages, ends, repeated };
  }
}

function isDefinition(command: PaymentCommand): command is AnyMessage<PolicyType> {
  return command.type === 'payflow.limit.define.v1' || command.type === 'payflow.risk_rule.define.v1';
}

function ofType<C extends { readonly type: string }, T extends C['type']>(commands: readonly C[], type: T) {
  return commands.filter((command): command is Extract<C, { readonly type: T }> => command.type === type);
}

/** Refuses what nothing has come of yet. Payments that are known already stay as they are: the ledger may have been asked. */
async function giveUp(tx: Transaction, commands: readonly Damaged[], reason: Refusal): Promise<Handled> {
  const { fresh, repeated } = await insert(tx, ofType(commands, 'payflow.payment.create.v1'));
  const failed = await end(
    tx,
    fresh.map(({ payment, command }) => ({ payment, code: reason, reason: null, cause: command })),
  );
  const refused = await refuseDefinitions(
    tx,
    [...ofType(commands, 'payflow.limit.define.v1'), ...ofType(commands, 'payflow.risk_rule.define.v1')],
    reason,
  );
  const decisions = ofType(commands, 'payflow.review.decide.v1').map((command) => refuseDecision(command, reason));
  return { messages: [...failed, ...refused.messages, ...decisions], repeated: [...repeated, ...refused.repeated] };
}

/** Ends payments by our own word, in the place of the ledger's, which was never asked. */
async function end(tx: Transaction, ends: readonly End[]): Promise<AnyOutgoing[]> {
  if (ends.length === 0) return [];
  const failed = await finishPayments(tx, ends.map(toVerdict));
  await settleUses(tx, usesOf(failed));
  const causes = new Map(ends.map(({ payment, cause }) => [keyOf(payment), cause]));
  return failed.map((payment) => finalEvent(payment, causes.get(keyOf(payment)) as MessageContext, []));
}

function toVerdict({ payment, code, reason, cause }: End): VerdictOnPayment {
  const { id, tenant, livemode, ledgerCommandId } = payment;
  const refusal = { status: 'failed', failureCode: code, failureReason: reason } as const;
  return { payment: id, tenant, livemode, ledgerCommandId, eventId: cause.id, ...refusal };
}

async function insert(
  tx: Transaction,
  commands: readonly Create[],
): Promise<{ fresh: { payment: Payment; command: Create }[]; repeated: string[] }> {
  if (commands.length === 0) return { fresh: [], repeated: [] };
  const payments = commands.map((command) => ({
    ...processingPayment(command, command.data, newId('event')),
    createCommandId: command.id,
  }));
  // Of two copies in a batch the first is inserted: each has a ledger command of its own, and the row must name the one that is sent.
  const firsts = new Map(payments.toReversed().map((payment) => [keyOf(payment), payment]));
  const inserted = await insertPayments(tx, [...firsts.values()]);
  const fresh: { payment: Payment; command: Create }[] = [];
  const known: Payment[] = [];
  commands.forEach((command, at) => {
    const payment = payments[at] as Payment;
    const admission = inserted.get(keyOf(payment));
    // Taken out for the second copy.
    if (inserted.delete(keyOf(payment)))
      fresh.push({ payment: admission ? { ...payment, admission } : payment, command });
    else known.push(payment);
  });
  if (known.length === 0) return { fresh, repeated: [] };
  const creators = await createdBy(tx, known);
  return {
    fresh,
    repeated: commands
      .filter(({ id, data }) => creators.has(id) && known.some((payment) => payment.id === data.id))
      .map(({ id }) => id),
  };
}

/** Payments that have heard nothing for long: the ledger is asked again, in the same words, and answers with the same verdict. */
async function sweep(
  tx: Transaction,
  commands: readonly Message<'payflow.payment.sweep.v1'>[],
): Promise<{ messages: AnyOutgoing[]; overdue: Overdue[] }> {
  if (commands.length === 0) return { messages: [], overdue: [] };
  const causes = new Map(commands.map((command) => [keyOf({ ...command, id: command.data.id }), command]));
  const waiting = await findWaiting(
    tx,
    commands.map(({ tenant, livemode, data }) => ({ tenant, livemode, id: data.id })),
  );
  const causeOf = (payment: Payment) => causes.get(keyOf(payment)) as Message<'payflow.payment.sweep.v1'>;
  const inReview = waiting.filter(({ admission }) => admission === 'in_review');
  const asked = waiting.filter(({ admission }) => admission !== 'in_review');
  return {
    messages: asked.map((payment) => ({ ...askLedger(payment, causeOf(payment)), resent: true })),
    overdue: inReview.map((payment) => ({ ...payment, cause: causeOf(payment) })),
  };
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
