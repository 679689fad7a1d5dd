import { newId, type AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { parseTraceparent, type AnyOutgoing } from '@payflow/messaging';
import type { DisputeTransition, EvidenceAttempt, NoticeEvidence } from '../database/dispute-records.js';
import {
  loadDisputes,
  numberOf,
  saveDisputes,
  type DisputablePayment,
  type KeptNotices,
  type LegVerdict,
  type ToldDispute,
} from '../database/dispute.repository.js';
import type { AttemptKey } from '../providers/attempt.js';
import { keyOf, type PaymentKey } from '../database/payment.repository.js';
import {
  amountDisputed,
  disputeState,
  type Course,
  type Dispute,
  type DisputeMoment,
  type DisputeNews,
  type Leg,
} from '../domain/dispute.js';
import { isInVain } from '../domain/dispute-states.js';

/** An attempt that the worker is to look at. */
export interface TracedAttempt extends AttemptKey {
  readonly traceparent: string | undefined;
}

interface Entry {
  /** As it was loaded; undefined where the batch opens it. */
  readonly before: Dispute | undefined;
  readonly after: Dispute;
}

/** The disputes of a batch's payments: how they stood, how they stand, and what has come of the messages up to now. */
export class Docket {
  readonly #payments: ReadonlyMap<string, DisputablePayment>;
  readonly #entries = new Map<string, Entry>();
  readonly #changed = new Set<string>();
  readonly #legs: Leg[] = [];
  readonly #transitions: DisputeTransition[] = [];
  readonly #attempts: EvidenceAttempt[] = [];
  readonly #messages: AnyOutgoing[] = [];
  readonly verdicts: LegVerdict[] = [];
  readonly evidence: NoticeEvidence[] = [];

  private constructor(payments: readonly DisputablePayment[]) {
    this.#payments = new Map(payments.map((payment) => [keyOf(payment), payment]));
    for (const dispute of payments.flatMap(({ disputes }) => disputes))
      this.#entries.set(keyOf(dispute), { before: dispute, after: dispute });
  }

  /** Locks the payments and their disputes. `told`: the disputes that providers have told of. */
  static async of(tx: Transaction, keys: readonly PaymentKey[], told: readonly ToldDispute[] = []): Promise<Docket> {
    if (keys.length === 0) return new Docket([]);
    const unique = new Map(keys.map((key) => [keyOf(key), key]));
    return new Docket(await loadDisputes(tx, [...unique.values()], told));
  }

  /** Of payments that are locked and read already. */
  static from(payments: readonly DisputablePayment[]): Docket {
    return new Docket(payments);
  }

  payment(key: PaymentKey): DisputablePayment | undefined {
    return this.#payments.get(keyOf(key));
  }

  /** How a dispute of the payment stands by now. */
  find(key: PaymentKey, is: (dispute: Dispute) => boolean): Dispute | undefined {
    for (const { after } of this.#entries.values())
      if (keyOf({ ...after, id: after.payment }) === keyOf(key) && is(after)) return after;
    return undefined;
  }

  /** What of the payment is disputed by now and was not won. */
  disputedOf(key: PaymentKey): bigint {
    let sum = 0n;
    for (const { after } of this.#entries.values())
      if (keyOf({ ...after, id: after.payment }) === keyOf(key)) sum += BigInt(amountDisputed(after));
    return sum;
  }

  /** True where the provider has given the dispute's number to one of another payment. */
  isElsewhere({ tenant, livemode, id, elsewhere }: DisputablePayment, number: string): boolean {
    if (elsewhere.has(number)) return true;
    for (const { after } of this.#entries.values())
      if (
        after.tenant === tenant &&
        after.livemode === livemode &&
        after.payment !== id &&
        numberOf({ connector: after.connector, reference: after.providerReference }) === number
      )
        return true;
    return false;
  }

  /** Ids and time for a decision about a dispute of this payment. */
  momentOf({ now, status }: DisputablePayment): DisputeMoment {
    return { now, isOfNothing: isInVain(status), newEventId: () => newId('event') };
  }

  /** Takes in what a message has come to. `evidence`: what is to be given to the provider, where that is part of it. */
  enter({ dispute, news }: Course, cause: AnyMessage, evidence?: Readonly<Record<string, string>>): void {
    const key = keyOf(dispute);
    const known = this.#entries.get(key);
    if (known?.after !== dispute) {
      this.#entries.set(key, { before: known?.before, after: dispute });
      this.#changed.add(key);
    }
    for (const each of news) this.#note(each, dispute, cause, evidence);
  }

  /** Writes everything. Returns what is to be sent, the events whose evidence is new, and the attempts to hand on. */
  async save(tx: Transaction): Promise<{
    readonly messages: readonly AnyOutgoing[];
    readonly kept: KeptNotices;
    readonly handed: readonly TracedAttempt[];
  }> {
    const disputes = [...this.#changed].map((key) => {
      const { before, after } = this.#entries.get(key) as Entry;
      const disputedBefore = before ? BigInt(amountDisputed(before)) : 0n;
      return { before, after, disputedBy: BigInt(amountDisputed(after)) - disputedBefore };
    });
    const isNothing = disputes.length + this.evidence.length + this.verdicts.length === 0;
    const kept: KeptNotices = isNothing
      ? new Map()
      : await saveDisputes(tx, {
          disputes,
          legs: this.#legs,
          verdicts: this.verdicts,
          transitions: this.#transitions,
          evidence: this.evidence,
          attempts: this.#attempts,
        });
    const handed = this.#attempts.map(({ dispute: { tenant, livemode }, attempt: id, traceparent }) => ({
      ...{ tenant, livemode, id, traceparent },
    }));
    return { messages: this.#messages, kept, handed };
  }

  #note(news: DisputeNews, dispute: Dispute, cause: AnyMessage, evidence: Readonly<Record<string, string>> = {}): void {
    const { actor } = cause;
    const traceId = parseTraceparent(cause.traceparent)?.traceId ?? null;
    switch (news.kind) {
      case 'changed':
        this.#transitions.push({
          dispute: news.dispute,
          from: news.from,
          actor,
          reason: news.reason,
          causeId: cause.id,
          traceId,
        });
        this.#messages.push(eventOf(news, cause));
        break;
      case 'leg':
        if (!news.isRepeat) this.#legs.push(news.leg);
        this.#messages.push(transferOf(news, cause));
        break;
      case 'evidence_asked':
        this.#attempts.push({
          ...{ dispute, attempt: news.attempt, operation: news.operation, commandId: cause.id, actor, traceId },
          ...{ correlation: cause.correlationId, traceparent: cause.traceparent, evidence },
        });
        break;
      case 'evidence_rejected':
        this.#messages.push(evidenceRejected(dispute, news, cause));
        break;
      default:
        news satisfies never;
    }
  }
}

/** Told to whoever waits for the evidence, also where there is no such dispute. */
export function evidenceRejected(
  { id, payment, version }: Pick<Dispute, 'id' | 'payment' | 'version'>,
  { command, reason }: { readonly command: string; readonly reason: string },
  cause: AnyMessage,
): AnyOutgoing {
  const data = { id, payment, command, reason };
  return { type: 'payflow.dispute.evidence_rejected.v1', subject: id, aggregateVersion: version, data, cause };
}

function eventOf(
  { event, dispute, accounts, command }: DisputeNews & { kind: 'changed' },
  cause: AnyMessage,
): AnyOutgoing {
  const { id: subject, version: aggregateVersion } = dispute;
  const data = disputeState(dispute, accounts);
  if (event !== 'evidence_submitted')
    return { type: `payflow.dispute.${event}.v1`, subject, aggregateVersion, data, cause };
  const submitted = { ...data, command: command as string };
  return { type: 'payflow.dispute.evidence_submitted.v1', subject, aggregateVersion, data: submitted, cause };
}

/** From the destination back to the source, or the other way. It is owed whenever it is asked for, so it never expires. */
function transferOf({ leg, isRepeat }: DisputeNews & { kind: 'leg' }, cause: AnyMessage): AnyOutgoing {
  const { dispute, direction, transfer, command } = leg;
  const [debit_account, credit_account] =
    direction === 'out' ? [dispute.destination, dispute.source] : [dispute.source, dispute.destination];
  const { payment, amount, asset } = dispute;
  return {
    type: 'payflow.transfer.post.v1',
    id: command,
    subject: transfer,
    data: { id: transfer, payment, debit_account, credit_account, amount, asset, valid_until: null },
    cause,
    ...(isRepeat ? { resent: true } : {}),
  };
}
