import type { AnyMessage, Message } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { NewJob } from '@payflow/jobs';
import type { AnyOutgoing, Handled } from '@payflow/messaging';
import { parseAmount } from '@payflow/money';
import { logger } from '@payflow/telemetry';
import type { NoticeEvidence } from '../database/dispute-records.js';
import {
  numberOf,
  type DisputablePayment,
  type NoticedAttempt,
  type ToldDispute,
} from '../database/dispute.repository.js';
import { keyOf, type PaymentKey } from '../database/payment.repository.js';
import {
  evidenceAnswered,
  evidenceAsked,
  firstHeard,
  heard,
  swept,
  type Dispute,
  type DisputeMoment,
} from '../domain/dispute.js';
import { isInVain, type DisputeWord } from '../domain/dispute-states.js';
import type { Life } from '../domain/life.js';
import { DISPUTE_JANITOR } from '../providers/dispute-janitor.js';
import { askingOf, inquiryOf } from '../providers/provider-jobs.js';
import { Docket, evidenceRejected } from './docket.js';

const log = logger('disputes');

type Notice = Message<'payflow.payment.notice.v1'>;
type Evidence = Message<'payflow.dispute.submit_evidence.v1'>;
type Sweep = Message<'payflow.dispute.sweep.v1'>;
type Answer = Message<'payflow.dispute.answer.v1'>;
/** What is heard of disputes on the service's own command topic, and what providers tell unasked. */
export type DisputeCommand = AnyMessage<
  | 'payflow.payment.notice.v1'
  | 'payflow.dispute.submit_evidence.v1'
  | 'payflow.dispute.sweep.v1'
  | 'payflow.dispute.answer.v1'
>;

const DISPUTE_COMMANDS: ReadonlySet<string> = new Set<DisputeCommand['type']>([
  'payflow.payment.notice.v1',
  'payflow.dispute.submit_evidence.v1',
  'payflow.dispute.sweep.v1',
  'payflow.dispute.answer.v1',
]);

export function isDisputeCommand(command: AnyMessage): command is DisputeCommand {
  return DISPUTE_COMMANDS.has(command.type);
}

/** The answer to what is being sent is mostly on its way: what a webhook says of it is looked into if it does not come. */
const ANSWER_DUE_MS = 1_000;

/** What came of it, and whom to ask once the transaction has committed. */
export interface DisputesHandled extends Pick<Required<Handled>, 'messages' | 'repeated'> {
  readonly jobs: readonly NewJob[];
}

/**
 * Hears providers' notices, takes evidence, and looks after disputes whose money is not where it should be. Two statements,
 * however many they are and whatever they are, and one where all are about attempts, or what they are about was loaded before:
 * `known`.
 */
export async function handleDisputeCommands(
  tx: Transaction,
  commands: readonly DisputeCommand[],
  known?: readonly DisputablePayment[],
): Promise<DisputesHandled> {
  if (commands.length === 0) return { messages: [], repeated: [], jobs: [] };
  const { payments, told } = disputesIn(commands);
  const docket = known ? Docket.from(known) : await Docket.of(tx, payments, told);
  const repeated: string[] = [];
  const orphans: AnyOutgoing[] = [];
  for (const command of commands) {
    switch (command.type) {
      case 'payflow.payment.notice.v1':
        hear(docket, command);
        break;
      case 'payflow.dispute.submit_evidence.v1':
        if (!takeEvidence(docket, command, orphans)) repeated.push(command.id);
        break;
      case 'payflow.dispute.sweep.v1':
        sweep(docket, command);
        break;
      case 'payflow.dispute.answer.v1':
        answer(docket, command);
        break;
      default:
        command satisfies never;
    }
  }
  const { messages, kept, handed } = await docket.save(tx);
  const notices = commands.filter((command) => command.type === 'payflow.payment.notice.v1');
  const doubted = notices.flatMap((notice) => inquiriesInto(notice, kept.get(notice.id)));
  return {
    jobs: [...handed.map(askingOf), ...doubted],
    messages: [...messages, ...orphans],
    repeated: [...repeated, ...notices.map(({ id }) => id).filter((id) => !kept.has(id))],
  };
}

/** Payments that were loaded before the turns of their batch, as these have left them. */
export function asPlayed(lives: ReadonlyMap<string, Life>): (payment: DisputablePayment) => DisputablePayment {
  return (payment) => {
    const played = lives.get(keyOf(payment))?.payment;
    if (!played) return payment;
    const { status, connector: takenBy, captured } = played;
    return { ...payment, status, takenBy, captured };
  };
}

/** What has to be loaded before: the payments, and the disputes that providers have told of. */
export function disputesIn(commands: readonly DisputeCommand[]): {
  readonly payments: readonly PaymentKey[];
  readonly told: readonly ToldDispute[];
} {
  return { payments: commands.filter(isOfDispute).map(paymentOf), told: commands.flatMap(toldOf) };
}

/** Of all but a word on an attempt, which changes no dispute and locks nothing. */
export function isOfDispute(command: DisputeCommand): boolean {
  return command.type !== 'payflow.payment.notice.v1' || WORDS[command.data.kind] !== null;
}

/**
 * What to believe of a notice about an attempt is found out by asking the provider; not where it has said the same itself. That
 * belongs to the trace of what the attempt was made for, as the question whose place it takes would have, and not to the webhook's.
 */
function inquiriesInto(notice: Notice, noticed: NoticedAttempt | null | undefined): NewJob[] {
  const { tenant, livemode, data } = notice;
  if (noticed === undefined || data.attempt === null) return [];
  if (noticed === null) return alarmStranger(notice);
  const { status, traceparent } = noticed;
  const said = data.kind === 'attempt_approved' ? 'approved' : 'declined';
  if (status === said) return [];
  const attempt = { tenant, livemode, id: data.attempt, traceparent: traceparent ?? notice.traceparent };
  return [inquiryOf(attempt, status === 'sending' ? ANSWER_DUE_MS : 0)];
}

function toldOf(command: DisputeCommand): ToldDispute[] {
  if (command.type !== 'payflow.payment.notice.v1' || WORDS[command.data.kind] === null) return [];
  const { connector, provider_reference: reference } = command.data;
  return reference === null ? [] : [{ ...paymentOf(command), connector, reference }];
}

function paymentOf({ tenant, livemode, data: { id } }: DisputeCommand): PaymentKey {
  return { tenant, livemode, id };
}

const WORDS: Readonly<Record<Notice['data']['kind'], DisputeWord | null>> = {
  attempt_approved: null,
  attempt_declined: null,
  dispute_opened: 'opened',
  dispute_won: 'won',
  dispute_lost: 'lost',
};

/** Every notice is kept; whether it moves something is another matter. */
function hear(docket: Docket, notice: Notice): void {
  const word = WORDS[notice.data.kind];
  docket.evidence.push(evidenceOf(notice, word !== null && hearOfDispute(docket, notice, word)));
}

/** False where the word moves nothing. */
function hearOfDispute(docket: Docket, notice: Notice, word: DisputeWord): boolean {
  const { data } = notice;
  const payment = docket.payment(paymentOf(notice));
  const reference = data.provider_reference;
  if (!payment || reference === null) return refuse(notice, 'names a payment that is not there');
  const moment = docket.momentOf(payment);
  const known = docket.find(payment, (d) => d.connector === data.connector && d.providerReference === reference);
  if (known) return hearAgain(docket, notice, word, { known, moment });
  if (docket.isElsewhere(payment, numberOf({ connector: data.connector, reference })))
    return refuse(notice, 'has the number of a dispute of another payment');
  if (!isTakenBy(payment, data.connector)) return refuse(notice, 'is of a payment that this provider did not take');
  if (data.asset !== undefined && data.asset !== payment.asset) return refuse(notice, 'is of another asset');
  if (isInVain(payment.status)) return refuse(notice, 'is of a payment that took no money');
  const sums = disputable(payment);
  const amount = data.amount ?? sums.usual.toString();
  if (amount === '0') return refuse(notice, 'is of no money');
  if (parseAmount(amount) === undefined) return refuse(notice, 'is of more than can be counted');
  // No scheme lets a cardholder dispute more than was charged. The provider may have taken more all the same: what it can be
  // owed is booked, so that the dispute can be answered in time, and the rest is a person's to claim back.
  const left = sums.most - docket.disputedOf(payment);
  if (left <= 0n) return refuse(notice, 'is of money that is disputed already');
  if (BigInt(amount) > left) alarmExcess(notice, amount, left);
  const { tenant, livemode, source, destination, asset } = payment;
  const disputed = BigInt(amount) > left ? left.toString() : amount;
  const facts = { ...{ tenant, livemode, source, destination, asset, amount: disputed, word }, payment: payment.id };
  const told = { connector: data.connector, providerReference: reference, reason: data.code };
  docket.enter(firstHeard({ ...facts, ...told, evidenceDueBy: data.evidence_due_by ?? null }, moment), notice);
  return true;
}

/**
 * What is decided is decided of the sum that the provider names. Of a part of what is booked nothing here says where the rest is: it
 * moves nothing, and a person asks. Of more than that all that is booked can be moved; what is beyond it never was.
 */
function hearAgain(
  docket: Docket,
  notice: Notice,
  word: DisputeWord,
  { known, moment }: { readonly known: Dispute; readonly moment: DisputeMoment },
): boolean {
  const { amount, asset = known.asset, evidence_due_by: evidenceDueBy = null } = notice.data;
  if (asset !== known.asset) return refuse(notice, 'is of another asset');
  const sum = amount === null ? BigInt(known.amount) : parseAmount(amount);
  if (sum === undefined) return refuse(notice, 'is of more than can be counted');
  if (word !== 'opened' && sum < BigInt(known.amount))
    return refuse(notice, 'decides about less than is booked for it', { amount, booked: known.amount });
  if (sum !== BigInt(known.amount)) alarmOtherSum(notice, known.amount);
  const course = heard(known, { word, evidenceDueBy }, moment);
  if (course === 'contradicts') return refuse(notice, 'says something else than what was decided');
  if (course === 'known') return false;
  docket.enter(course, notice);
  return true;
}

/**
 * No provider moves money of what another took, or of what it was never asked to take: its secret is good for its own payments, which
 * are those of its mode. Of what is still on its way the capture may have been heard of later than the dispute.
 */
function isTakenBy({ captured, status, takenBy, askedOf }: DisputablePayment, connector: string): boolean {
  return askedOf.includes(connector) || (takenBy === connector && (captured > 0n || status === 'processing'));
}

/**
 * What a notice without a sum is of, and the most that one can be of. A capture that is on its way may be done at the provider: of a
 * payment of which nothing else was captured the dispute is of that, and not of what is authorized beyond it.
 */
function disputable({ amount, captured, beingCaptured }: DisputablePayment): { usual: bigint; most: bigint } {
  if (captured > 0n) return { usual: captured, most: captured + beingCaptured };
  const usual = beingCaptured > 0n ? beingCaptured : BigInt(amount);
  return { usual, most: usual };
}

function refuse({ data, id }: Notice, why: string, sums: object = {}): false {
  log.error(
    { payment_id: data.id, connector: data.connector, event_id: id, kind: data.kind, ...sums },
    `ALARM: a provider’s notice of a dispute ${why}; it is kept as evidence and moves nothing`,
  );
  return false;
}

/** A provider's secret is good for what it was asked, and not for what another was. */
function alarmStranger({ data, id }: Notice): [] {
  log.error(
    { payment_id: data.id, connector: data.connector, event_id: id, kind: data.kind, attempt: data.attempt },
    'ALARM: a provider’s notice is about an attempt that it was not asked for; it is kept as evidence and moves nothing',
  );
  return [];
}

function alarmExcess({ data, id }: Notice, amount: string, left: bigint): void {
  log.error(
    { payment_id: data.id, connector: data.connector, event_id: id, amount, disputable: left.toString() },
    'ALARM: a provider’s notice disputes more than was captured and is not disputed yet; so much is booked, and the rest is to be claimed back',
  );
}

/** What is booked stays what it is: by how much is not to be guessed, and the reconciliation shows it. */
function alarmOtherSum({ data, id }: Notice, booked: string): void {
  const { connector, kind, amount } = data;
  log.error(
    { payment_id: data.id, connector, event_id: id, kind, amount, booked },
    'ALARM: a provider’s notice names another sum than is booked for its dispute; what is booked counts, and the rest is to be seen to there',
  );
}

function evidenceOf(notice: Notice, believed: boolean): NoticeEvidence {
  const { data, id: eventId } = notice;
  const { connector, kind: outcome, code, attempt, provider_reference: providerReference } = data;
  return {
    ...paymentOf(notice),
    eventId,
    attempt,
    connector,
    outcome,
    code,
    providerReference,
    content: data,
    believed,
    source: notice.actor === DISPUTE_JANITOR ? 'inquiry' : 'webhook',
  };
}

/** False where it was taken before. */
function takeEvidence(docket: Docket, command: Evidence, orphans: AnyOutgoing[]): boolean {
  const { data, id } = command;
  const payment = docket.payment(paymentOf(command));
  const dispute = payment && docket.find(payment, (d) => d.id === data.dispute);
  if (!payment || !dispute) {
    const named = { id: data.dispute, payment: data.id, version: 0 };
    orphans.push(evidenceRejected(named, { command: id, reason: 'dispute_not_found' }, command));
    return true;
  }
  const asked = { command: id, createdAt: data.created_at, ifVersion: data.if_version };
  const course = evidenceAsked(dispute, asked);
  if (course === 'known') return false;
  docket.enter(course, command, data.evidence);
  return true;
}

function sweep(docket: Docket, command: Sweep): void {
  const payment = docket.payment(paymentOf(command));
  const dispute = payment && docket.find(payment, (d) => d.id === command.data.dispute);
  const course = payment && dispute ? swept(dispute, docket.momentOf(payment)) : 'known';
  if (course !== 'known') docket.enter(course, command);
}

/** What the provider said to evidence. Where nobody waits for it, it moves nothing. */
function answer(docket: Docket, command: Answer): void {
  const { data } = command;
  const payment = docket.payment(paymentOf(command));
  const dispute = payment && docket.find(payment, (d) => d.evidenceAttempt === data.attempt);
  if (!payment || !dispute) return;
  const told = { attempt: data.attempt, isApproved: data.outcome === 'approved', code: data.code };
  const course = evidenceAnswered(dispute, told, docket.momentOf(payment));
  if (course !== 'known') docket.enter(course, command);
}
