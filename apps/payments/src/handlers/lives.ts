import { METRICS, newId } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { NewJob } from '@payflow/jobs';
import { parseTraceparent, type AnyOutgoing, type Handled, type MessageContext } from '@payflow/messaging';
import { counter, logger } from '@payflow/telemetry';
import { disputesOf, type NamedDispute } from '../database/dispute.repository.js';
import { loadLives, type Loaded, type Mentioned } from '../database/life.repository.js';
import { saveLives, type Change } from '../database/life-changes.repository.js';
import { keyOf, type PaymentKey } from '../database/payment.repository.js';
import { isInVain } from '../domain/dispute-states.js';
import type { Attempt, Life, Moment, News } from '../domain/life.js';
import type { Payment } from '../domain/payment.js';
import { FINAL_STATES } from '../domain/transitions.js';
import { lessenedOf, usesOf, type Settled } from '../limits/use.repository.js';
import type { NewAttempt } from '../providers/attempt.js';
import { providerJobs } from '../providers/ask-providers.js';
import { salesApproved, type AskedOperation } from '../providers/attempt.repository.js';
import { termsOf } from './terms.js';
import { messageOf } from './tidings.js';

const log = logger('payments');
const attentions = counter(METRICS.paymentsNeedingAttention, 'Operations that wait for a person.');
const undivided = counter(METRICS.paymentsUndivided, 'Times that the ledger refused to divide what was captured.');

/** What one message does to one payment. */
export interface Turn {
  readonly payment: PaymentKey;
  readonly message: MessageContext;
  /** UUIDs of what has to be known of the payment's past. */
  readonly mentions?: Partial<Record<keyof Mentioned, readonly string[]>>;
  readonly apply: (life: Life, moment: Moment, loaded: Loaded) => Life;
  /** True where the message's effect was there before: looked for in what was loaded. */
  readonly isRepeated?: (life: Life, loaded: Loaded) => boolean;
  /** A client waits for its answer: that its payment is not here must not pass in silence. */
  readonly mustBeThere?: boolean;
}

/** What the turns came to. */
export interface Played extends Handled {
  /** Whom to ask, once the transaction has committed. */
  readonly jobs: readonly NewJob[];
  /** The payments as they stand now. */
  readonly lives: ReadonlyMap<string, Life>;
}

/** What is known before the turns are played. */
export interface Known {
  /** What the turns are about, locked and read; where it is absent, that is done here. */
  readonly loaded?: Loaded;
  /** Payments that this batch has inserted. */
  readonly fresh?: ReadonlyMap<string, Life>;
  /** Payments that it has ended in another way: what they used of limits is settled with the rest. */
  readonly ended?: readonly Payment[];
}

/** What the turns have come to, and nobody has written yet. */
export interface Enacted extends Pick<Played, 'lives'> {
  readonly turns: readonly Turn[];
  readonly loaded: Loaded;
  readonly changes: readonly Change[];
  /** What payments have used of limits that ended, and what others need no longer. */
  readonly settled: readonly Settled[];
  /** Ids of the messages whose effect was there before. */
  readonly repeated: readonly string[];
}

/** Locks and reads together all that the turns are for. */
export function loadFor(tx: Transaction, turns: readonly Turn[]): Promise<Loaded> {
  return loadLives(tx, keysOf(turns), mentionedBy(turns));
}

/** Plays the turns, in their order, on the payments they are for, and writes all that has changed together. */
export async function play(tx: Transaction, turns: readonly Turn[], known: Known = {}): Promise<Played> {
  const unknown = turns.filter(({ payment }) => !known.fresh?.has(keyOf(payment)));
  const loaded = known.loaded ?? (await loadFor(tx, unknown));
  return record(tx, enact(turns, { ...known, loaded }));
}

/** What the turns make of the payments: each is decided on what the one before has left. */
export function enact(turns: readonly Turn[], known: Known & { readonly loaded: Loaded }): Enacted {
  const { loaded, fresh = new Map<string, Life>(), ended = [] } = known;
  const before = new Map([...loaded.lives, ...fresh]);
  const after = new Map(before);
  const now = loaded.now ?? new Date().toISOString();
  const repeated: string[] = [];
  for (const turn of turns) {
    const key = keyOf(turn.payment);
    const life = after.get(key);
    if (life) after.set(key, turn.apply(life, momentOf(turn.message, now, loaded.aheadOf.get(key)), loaded));
    else if (turn.mustBeThere) throw new TypeError(`${turn.message.type} for a payment that is not here`);
    if (before.has(key) && turn.isRepeated?.(before.get(key) as Life, loaded)) repeated.push(turn.message.id);
  }
  const changes = [...before].map(([key, life]): Change => ({ before: life, after: after.get(key) as Life }));
  const settled = [
    ...usesOf([...ended, ...changes.filter(hasEnded).map((change) => change.after.payment)]),
    ...lessenedOf(changes.filter(isLessened).map((change) => change.after)),
  ];
  return { turns, loaded, changes, settled, repeated, lives: after };
}

/** Writes what the turns have made of the payments. */
export async function record(tx: Transaction, enacted: Enacted): Promise<Played> {
  const { turns, loaded, changes, settled, repeated, lives } = enacted;
  const { openAttempts } = loaded;
  const causes = new Map(turns.map(({ message }) => [message.id, message]));
  const causeOf = ({ cause }: News) => causes.get(cause) as MessageContext;
  const news = changes.flatMap(({ after }) => after.news.map((each) => ({ each, payment: after.payment })));
  const transitions = news.flatMap(({ each }) => {
    if (each.kind !== 'payment') return [];
    const cause = causeOf(each);
    return [{ news: each, actor: cause.actor, traceId: traceIdOf(cause) }];
  });
  const attempts = news.flatMap(({ each, payment }) =>
    each.kind === 'attempt' ? [newAttempt(each.attempt, payment, causeOf(each))] : [],
  );
  await saveLives(tx, { changes, transitions, attempts, settled });
  const inVain = news.flatMap(({ each }) => (isDisputedInVain(each) ? [each] : []));
  const disputes = await disputesOf(
    tx,
    inVain.map(({ payment }) => payment),
  );
  const inquiries = news.flatMap(({ each }) => (each.kind === 'inquiry' ? [each] : []));
  const unheard = await salesApproved(
    tx,
    news.flatMap(({ each, payment }) => unheardIn(each, payment, openAttempts)),
  );
  for (const { each, payment } of news) {
    if (each.kind === 'attention') alarm(each, payment.id);
    if (each.kind === 'taken') alarmTaken(each, payment);
    if (each.kind === 'undivided') alarmUndivided(each, payment.id);
  }
  for (const { payment } of inVain) alarmInVain(payment);
  return {
    ...{ repeated, lives },
    messages: [...news.flatMap(({ each }) => messageOf(each, causeOf(each)) ?? []), ...disputes.map(sweepOf)],
    jobs: providerJobs(attempts, [
      ...openAttempts.filter(({ operation, isUnknown }) =>
        inquiries.some((each) => each.operation === operation && (isUnknown || !each.isOnlyOfUnknown)),
      ),
      ...unheard,
    ]),
  };
}

/** An authorization that ended with its payment, and whose provider had told by then how it ended: the worker is to look at that. */
function unheardIn(news: News, { tenant, livemode }: Payment, open: Loaded['openAttempts']): AskedOperation[] {
  if (news.kind === 'taken') return [{ tenant, livemode, id: news.operation.id }];
  if (news.kind !== 'inquiry' || !news.isOfTheEnd) return [];
  return open.some(({ operation }) => operation === news.operation) ? [] : [{ tenant, livemode, id: news.operation }];
}

function hasEnded({ before, after }: Change): boolean {
  return !FINAL_STATES.includes(before.payment.status) && FINAL_STATES.includes(after.payment.status);
}

/** Something that was to be added to the payment came to nothing, and it goes on. */
function isLessened({ before, after }: Change): boolean {
  const known = new Set(before.operations);
  return (
    !FINAL_STATES.includes(after.payment.status) &&
    after.operations.some(
      (one) => (one.kind === 'increment' || one.kind === 'capture') && one.status === 'failed' && !known.has(one),
    )
  );
}

function newAttempt(attempt: Attempt, payment: Payment, cause: MessageContext): NewAttempt {
  const { tenant, livemode, asset } = payment;
  const { correlationId: correlation, traceparent } = cause;
  return { ...attempt, tenant, livemode, payment: payment.id, asset, correlation, traceparent };
}

function alarm({ operation, step }: Extract<News, { kind: 'attention' }>, payment: string): void {
  attentions.inc();
  const { kind, id } = operation;
  log.error(
    { payment, operation: id, kind, step: step?.name, reason: step?.reason },
    step
      ? 'ALARM: the ledger refused to end what it holds; a person has to say how the payment goes on'
      : 'ALARM: what a provider answered was discarded; it is told again in some minutes, and the operation waits for it',
  );
}

function alarmTaken({ operation: { id } }: Extract<News, { kind: 'taken' }>, payment: Payment): void {
  attentions.inc();
  const { id: payment_id, status, connector, providerReference: reference } = payment;
  log.error(
    { payment: payment_id, status, operation: id, connector, reference },
    'ALARM: a provider says that it took the money of a payment that ends without it; a person has to see that it is given back',
  );
}

/** It ends with nothing captured, and a provider has disputed what it says that it did not take. */
function isDisputedInVain(news: News): news is Extract<News, { kind: 'payment' }> {
  return news.kind === 'payment' && isInVain(news.payment.status) && news.payment.disputed > 0n;
}

/** Its disputes hear of it as of whatever else is not as it should be: what was taken for them is given back. */
function sweepOf({ tenant, livemode, id, dispute }: NamedDispute): AnyOutgoing {
  const origin = { tenant, livemode, actor: 'payments/machine' };
  return { type: 'payflow.dispute.sweep.v1', subject: id, data: { id, dispute }, origin };
}

function alarmInVain({ id, status, connector, disputed }: Payment): void {
  log.error(
    { payment: id, status, connector, disputed: disputed.toString() },
    'ALARM: a payment has ended with nothing captured, and its provider disputes it; what was taken for that is given back, and a person has to ask the provider',
  );
}

function alarmUndivided({ step }: Extract<News, { kind: 'undivided' }>, payment: string): void {
  undivided.inc();
  const { operation, name, reason } = step;
  log.error(
    { payment, operation, step: name, reason },
    'ALARM: what was captured is all with the destination; it is divided when the ledger lets it, and tried again until then',
  );
}

function momentOf(message: MessageContext, now: string, ahead_ms = 0): Moment {
  const cause = { id: message.id, actor: message.actor, traceId: traceIdOf(message) };
  const later = (by_ms: number, since = now) =>
    new Date(Math.min(Date.parse(since), Date.parse(now)) + ahead_ms + by_ms).toISOString();
  return { cause, now, ownNow: ahead_ms === 0 ? now : later(0), later, newEventId: () => newId('event'), termsOf };
}

export function traceIdOf({ traceparent }: MessageContext): string | null {
  return parseTraceparent(traceparent)?.traceId ?? null;
}

export function keysOf(turns: readonly Turn[]): PaymentKey[] {
  return [...new Map(turns.map(({ payment }) => [keyOf(payment), payment])).values()];
}

export function mentionedBy(turns: readonly Turn[]): Mentioned {
  const all = (name: keyof Mentioned) => turns.flatMap(({ mentions }) => mentions?.[name] ?? []);
  const attempts = turns.flatMap(({ payment, mentions }) =>
    (mentions?.attempts ?? []).map((id) => ({ payment: payment.id, id })),
  );
  return { operations: all('operations'), attempts, ledgerCommands: all('ledgerCommands') };
}
