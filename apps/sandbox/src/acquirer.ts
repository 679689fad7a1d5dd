import { randomBytes } from 'node:crypto';
import {
  APPROVE,
  NOTHING,
  completeAction,
  dispute as disputed,
  reverseDispute,
  type Authorization,
  type Decision,
  type Verdict,
} from './domain/authorization.js';
import { audit, booked, booksOf, doubleCharges, type Books } from './domain/books.js';
import { decide, type Outcome, type Subject } from './domain/decide.js';
import type { Dispute, Operation, Wish } from './domain/operation.js';
import type { Answer, Event, Journal, Line } from './journal.js';
import { Problem, problemBody, statusOf } from './problems.js';
import type { Scenario } from './scenarios.js';
import { authorizationView, disputeView, operationView, type Links } from './views.js';

/** The largest memory of one sandbox, some hundreds of megabytes. */
const OPERATIONS_MAX = 200_000;

export interface AcquirerOptions {
  readonly journal: Journal;
  readonly links: Links;
  readonly authorizationValid_ms: number;
}

/** What was done, the answer that is kept of it, and what there is to tell. */
export interface Done {
  readonly answer: Answer;
  readonly events: readonly Event[];
}

interface Kept {
  readonly fingerprint: string;
  readonly answer: Answer;
  readonly operation: Operation;
}

/** Accepted, and to be done later. */
export interface Accepted {
  readonly wish: Wish;
  readonly scenario: string;
  readonly due: number;
}

/**
 * The books: every authorization, operation and dispute, in memory, and each change in the journal before it is told to anybody.
 * A change is one call without a pause in it, so two can never mix.
 */
export class Acquirer {
  readonly operations: Operation[] = [];
  readonly authorizations = new Map<string, Authorization>();
  readonly disputes = new Map<string, Dispute>();
  readonly accepted = new Map<string, Accepted>();
  private readonly kept = new Map<string, Kept>();
  private readonly byReference = new Map<string, Operation[]>();
  private readonly untold = new Map<string, Event>();
  private running: Books = new Map();

  constructor(private readonly options: AcquirerOptions) {
    for (const line of options.journal.read()) this.apply(line);
  }

  get books(): Books {
    return this.running;
  }

  booksOf(merchantReference: string): Books {
    return booksOf(this.byReference.get(merchantReference) ?? []);
  }

  /** What an earlier process had not told to the end. */
  get toTell(): readonly Event[] {
    return [...this.untold.values()];
  }

  keptUnder(idempotencyKey: string): Kept | undefined {
    return this.kept.get(idempotencyKey);
  }

  /** What a wish is about, null where it makes it. Throws the problem when that is not there. */
  subjectOf(wish: Pick<Wish, 'target' | 'type'>): Subject | null {
    if (wish.target === null) return null;
    const dispute = wish.type === 'evidence' ? found(this.disputes, wish.target) : undefined;
    return { authorization: found(this.authorizations, dispute?.authorization ?? wish.target), dispute };
  }

  /** Does what is wished, or refuses it, once: whoever calls has seen that nothing is kept under the key. */
  perform(wish: Wish, scenario: Scenario, now = Date.now()): Done {
    if (this.operations.length >= OPERATIONS_MAX) throw new Problem('books_full');
    const outcome = decide(wish, this.subjectOf(wish), scenario.verdict, {
      now,
      operationId: newId('op'),
      authorizationId: newId('auth'),
      authorizationValid_ms: this.options.authorizationValid_ms,
      scenario: scenario.name,
    });
    const answer = this.answerOf(outcome);
    const events = this.eventsOf(outcome, scenario);
    this.commit({
      kind: 'done',
      operation: outcome.operation,
      authorization: outcome.authorization,
      dispute: outcome.dispute ?? null,
      kept: { fingerprint: wish.fingerprint, answer },
      events,
    });
    return { answer, events };
  }

  /** Notes what will be done later, so that a kill does not forget it. */
  accept(accepted: Accepted): void {
    this.commit({ kind: 'accepted', ...accepted });
  }

  told(event: string): void {
    this.commit({ kind: 'told', event });
  }

  /** The customer approves or denies. */
  completeAction(id: string, verdict: Verdict, now = Date.now()): Done {
    const before = found(this.authorizations, id);
    const { authorization, moved } = ruled(completeAction(before, verdict));
    const operation = happening(before, { type: 'action', at: now, amount: before.amount, moved });
    const body = this.bodyOf('authorization.updated', now, authorizationView(authorization, this.options.links));
    return this.happened({
      operation: { ...operation, ...(authorization.declineCode === null ? {} : declinedAs(authorization.declineCode)) },
      authorization,
      dispute: null,
      events: [{ id: newId('evt'), type: 'authorization.updated', authorization: id, body }],
      answer: authorizationView(authorization, this.options.links),
    });
  }

  /** The issuer takes a sum back; all that is left where it names none. */
  openDispute(id: string, asked: { readonly amount: bigint; readonly reason: string }, now = Date.now()): Done {
    const before = found(this.authorizations, id);
    const { authorization, moved } = ruled(disputed(before, asked.amount));
    const dispute: Dispute = {
      id: newId('dp'),
      authorization: id,
      merchantReference: before.merchantReference,
      currency: before.currency,
      ...asked,
      status: 'opened',
      evidence: {},
      openedAt: now,
      decidedAt: null,
    };
    return this.disputeChanged('dispute_opened', authorization, dispute, moved, now);
  }

  decideDispute(id: string, status: 'won' | 'lost', now = Date.now()): Done {
    const before = found(this.disputes, id);
    if (before.status !== 'opened') throw new Problem('dispute_decided');
    const authorization = found(this.authorizations, before.authorization);
    const dispute = { ...before, status, decidedAt: now };
    if (status === 'lost') return this.disputeChanged('dispute_lost', authorization, dispute, NOTHING, now);
    const won = ruled(reverseDispute(authorization, before.amount));
    return this.disputeChanged('dispute_won', won.authorization, dispute, won.moved, now);
  }

  /** Whether the books add up; and, where there is a journal, whether it tells the same when it is read from the start. */
  check() {
    const problems = audit(this.running, this.operations, [...this.authorizations.values()]);
    const { journal } = this.options;
    const written = journal.read().flatMap((line) => (line.kind === 'done' ? [line.operation] : []));
    if (journal.isWritten && JSON.stringify(digits(booksOf(written))) !== JSON.stringify(digits(this.running)))
      problems.push('the journal tells of other books');
    return { problems, doubleCharges: doubleCharges([...this.authorizations.values()]) };
  }

  /** Forgets everything. */
  reset(): void {
    this.options.journal.clear();
    this.operations.length = 0;
    this.running = new Map();
    for (const map of [this.authorizations, this.disputes, this.accepted, this.kept, this.byReference, this.untold])
      map.clear();
  }

  private disputeChanged(
    type: 'dispute_opened' | 'dispute_won' | 'dispute_lost',
    authorization: Authorization,
    dispute: Dispute,
    moved: Operation['moved'],
    now: number,
  ): Done {
    const operation = {
      ...happening(authorization, { type, at: now, amount: dispute.amount, moved }),
      dispute: dispute.id,
    };
    const name = type.replace('_', '.');
    const body = this.bodyOf(name, now, { ...disputeView(dispute), idempotency_key: null });
    const events = [{ id: newId('evt'), type: name, authorization: authorization.id, body }];
    return this.happened({ operation, authorization, dispute, events, answer: disputeView(dispute) });
  }

  private happened(what: {
    operation: Operation;
    authorization: Authorization;
    dispute: Dispute | null;
    events: readonly Event[];
    answer: object;
  }): Done {
    const { answer, ...line } = what;
    this.commit({ kind: 'done', kept: null, ...line });
    return { answer: { status: 201, body: JSON.stringify(answer) }, events: what.events };
  }

  private answerOf({ operation, authorization, dispute, refusal }: Outcome): Answer {
    if (refusal !== null) return { status: statusOf(refusal), body: problemBody(refusal) };
    const { links } = this.options;
    const isNew = operation.type === 'authorize' || operation.type === 'sale';
    const view = isNew
      ? authorizationView(authorization, links)
      : operationView(operation, { authorization, dispute }, links);
    return { status: 201, body: JSON.stringify(view) };
  }

  /** What the merchant is told by webhook. Of what the acquirer itself refused, nothing. */
  private eventsOf({ operation, authorization, dispute, refusal }: Outcome, { webhooks }: Scenario): Event[] {
    if (refusal !== null || operation.type === 'evidence') return [];
    const { links } = this.options;
    const event = (type: string, data: object): Event => ({
      id: newId('evt'),
      type,
      authorization: authorization.id,
      body: this.bodyOf(type, operation.at, data),
    });
    const isNew = operation.type === 'authorize' || operation.type === 'sale';
    if (!isNew)
      return [event(`${operation.type}.completed`, operationView(operation, { authorization, dispute }, links))];
    const updated = event('authorization.updated', authorizationView(authorization, links));
    if (webhooks !== 'held_back' || authorization.status !== 'captured') return [updated];
    // Out of order: that it was captured comes first, and then that it was authorized before that.
    const before = { ...authorization, status: 'authorized' as const, sums: { ...authorization.sums, captured: 0n } };
    return [
      event('capture.completed', operationView(operation, { authorization, dispute }, links)),
      event('authorization.updated', authorizationView(before, links)),
    ];
  }

  private bodyOf(type: string, at: number, data: object): string {
    return JSON.stringify({ type, timestamp: new Date(at).toISOString(), data });
  }

  private commit(line: Line): void {
    this.options.journal.append(line);
    this.apply(line);
  }

  private apply(line: Line): void {
    if (line.kind === 'accepted') return void this.accepted.set(line.wish.idempotencyKey, line);
    if (line.kind === 'told') return void this.untold.delete(line.event);
    const { operation, authorization, dispute, kept, events } = line;
    this.operations.push(operation);
    this.running = booked(this.running, operation);
    this.authorizations.set(authorization.id, authorization);
    if (dispute) this.disputes.set(dispute.id, dispute);
    const sameReference = this.byReference.get(operation.merchantReference);
    if (sameReference) sameReference.push(operation);
    else this.byReference.set(operation.merchantReference, [operation]);
    if (operation.idempotencyKey !== null && kept) {
      this.kept.set(operation.idempotencyKey, { ...kept, operation });
      this.accepted.delete(operation.idempotencyKey);
    }
    for (const event of events) this.untold.set(event.id, event);
  }
}

function happening(
  { id, currency, merchantReference }: Authorization,
  what: Pick<Operation, 'type' | 'at' | 'amount' | 'moved'>,
): Operation {
  return {
    id: newId('op'),
    ...what,
    status: 'succeeded',
    declineCode: null,
    canRetryElsewhere: false,
    currency,
    authorization: id,
    dispute: null,
    merchantReference,
    idempotencyKey: null,
    scenario: 'plain',
  };
}

const declinedAs = (code: string) => ({ status: 'declined' as const, declineCode: code });

function ruled(decision: Decision): Exclude<Decision, { refusal: unknown }> {
  if ('refusal' in decision) throw new Problem(decision.refusal);
  return decision;
}

export function found<T>(map: ReadonlyMap<string, T>, id: string): T {
  const value = map.get(id);
  if (value === undefined) throw new Problem('not_found');
  return value;
}

function digits(books: Books) {
  return [...books]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([currency, page]) => [currency, ...Object.values(page).map(String)]);
}

const ID_BYTES = 12;

export function newId(kind: 'auth' | 'op' | 'dp' | 'evt'): string {
  return `${kind}_${randomBytes(ID_BYTES).toString('hex')}`;
}

export const CUSTOMER_APPROVES = APPROVE;
export const CUSTOMER_DENIES: Verdict = { word: 'decline', code: 'authentication_failed', canRetryElsewhere: false };
/** The customer has done what they can, and this acquirer cannot go on: another may. */
export const CUSTOMER_GOES_ELSEWHERE: Verdict = {
  word: 'decline',
  code: 'acquirer_unavailable',
  canRetryElsewhere: true,
};
