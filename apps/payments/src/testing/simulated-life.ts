import {
  fromUuid,
  newId,
  uuidOf,
  type HoldPost,
  type OperationKind,
  type PaymentAnswer,
  type PaymentCreate,
} from '@payflow/contracts';
import { expire } from '../domain/course.js';
import {
  isOpen,
  lifeOf,
  type Attempt,
  type Life,
  type Moment,
  type News,
  type Step,
  type Terms,
} from '../domain/life.js';
import { ask, hear, hearLedger, start, type StepVerdict, type Wish } from '../domain/machine.js';
import { processingPayment, type Payment } from '../domain/payment.js';
import { USUAL_TERMS } from '../domain/terms.js';

const START = Date.parse('2026-11-21T12:00:00.000Z');
const DAY_MS = 86_400_000;
const TENANT = newId('tenant');

/** Until when it waits for its customer, ms. */
export const EXPIRES_MS = START + DAY_MS;

interface Hold {
  readonly amount: bigint;
  posted: bigint;
  status: 'pending' | 'posted' | 'voided';
}

/** Says how the outside will answer the operation: by kind, and for wishes by their UUID. */
export interface Outside {
  readonly refuses: (step: Step) => string | null;
  readonly answers: (attempt: Attempt) => Pick<PaymentAnswer, 'outcome' | 'code' | 'authorized_at'>;
}

/** One payment in memory, with a ledger of its own and a queue of all that has not been answered. Time and ids are made up. */
export class SimulatedLife {
  life: Life;
  readonly holds = new Map<string, Hold>();
  readonly booked = { taken: 0n, returned: 0n };
  readonly steps: Step[] = [];
  readonly attempts: Attempt[] = [];
  /** All that was asked of the ledger and of providers, in order; nothing of it is what the message was called, or when it was. */
  readonly asked: unknown[] = [];
  /** When each operation began, or was refused, and when it ended: by its UUID, ms. */
  readonly begunAt = new Map<string, number>();
  readonly endedAt = new Map<string, number>();
  /** When its provider was heard to have approved it: what is set aside may end later, where something else is at work. */
  readonly approvedAt = new Map<string, number>();
  private readonly givenVerdicts: StepVerdict[] = [];
  private readonly givenAnswers: { answer: PaymentAnswer; operation: string }[] = [];
  private seen = 0;
  private count = 0;
  private time = START;

  constructor(
    private readonly outside: Outside,
    change: Partial<PaymentCreate> = {},
    private readonly terms: Terms = USUAL_TERMS,
    owner = { tenant: TENANT, livemode: false },
  ) {
    const create: PaymentCreate = {
      id: newId('payment'),
      sequence: 1,
      source: newId('account'),
      destination: newId('account'),
      amount: '1000',
      asset: 'USD',
      method: { type: 'card', token: 'tok_visa' },
      capture: 'manual_multiple',
      reference: null,
      metadata: {},
      created_at: new Date(START).toISOString(),
      expires_at: new Date(START + DAY_MS).toISOString(),
      ...change,
    };
    this.life = lifeOf(processingPayment(owner, create, null));
    this.apply((life, moment) => start(life, create, moment));
  }

  apply(turn: (life: Life, moment: Moment) => Life): readonly News[] {
    this.life = turn(this.life, this.moment());
    const fresh = this.life.news.slice(this.seen);
    this.seen = this.life.news.length;
    for (const operation of this.life.operations) {
      const { id, status } = operation;
      if (status !== 'queued' && !this.begunAt.has(id)) this.begunAt.set(id, this.time);
      if (!isOpen(operation) && !this.endedAt.has(id)) this.endedAt.set(id, this.time);
    }
    for (const news of fresh) {
      if (news.kind === 'step') {
        const { operation, name, type, command } = news.step;
        this.steps.push(news.step);
        this.asked.push({ operation, name, type, command });
      }
      if (news.kind === 'attempt') {
        this.attempts.push(news.attempt);
        this.asked.push(news.attempt);
      }
    }
    return fresh;
  }

  /** Asks for an operation. Returns its UUID. */
  wish(kind: OperationKind, change: Partial<Wish> = {}): string {
    const id = uuidOf('event', newId('event'));
    const facts = { amount: null, final: true, reason: null, metadata: {}, createdAt: this.moment().now };
    this.apply((life, moment) => ask(life, { kind, id, ...facts, ...change }, moment));
    return id;
  }

  expire(): void {
    this.apply(expire);
  }

  get now_ms(): number {
    return this.time;
  }

  pass(by_ms: number): void {
    this.time += by_ms;
  }

  /** The ledger answers one of the commands that wait for it. */
  answerStep(at = 0): void {
    const [step] = this.steps.splice(at, 1);
    if (!step) return;
    const refusal = this.outside.refuses(step);
    const verdict: StepVerdict = {
      commandId: step.commandId,
      eventId: newId('event'),
      refusal,
      left: refusal === null ? this.carryOut(step) : null,
      accounts: [],
    };
    this.givenVerdicts.push(verdict);
    this.apply((life, moment) => hearLedger(life, verdict, moment));
  }

  /** A provider answers one of the attempts that wait for it. */
  answerAttempt(at = 0): void {
    const [attempt] = this.attempts.splice(at, 1);
    if (!attempt) return;
    const { outcome, code, authorized_at } = this.outside.answers(attempt);
    const answer: PaymentAnswer = {
      id: this.life.payment.id,
      attempt: attempt.id,
      outcome,
      code,
      connector: 'cards',
      provider_reference: 'auth_1',
      url: null,
      ...(authorized_at !== undefined && { authorized_at }),
    };
    this.givenAnswers.push({ answer, operation: attempt.operation });
    // The customer acts some time later, and the same attempt is answered again.
    if (outcome === 'requires_action') this.attempts.push(attempt);
    this.apply((life, moment) => hear(life, answer, attempt.operation, moment));
    if (outcome === 'approved' && !this.approvedAt.has(attempt.operation))
      this.approvedAt.set(attempt.operation, this.time);
  }

  /** Something that was said before comes again. Returns what came of it. */
  repeat(at: number): readonly News[] {
    const said = [
      ...this.givenVerdicts.map((verdict) => (life: Life, moment: Moment) => hearLedger(life, verdict, moment)),
      ...this.givenAnswers
        .filter(({ answer }) => answer.outcome !== 'requires_action')
        .map(
          ({ answer, operation }) =>
            (life: Life, moment: Moment) =>
              hear(life, answer, operation, moment),
        ),
    ];
    const turn = said[at % Math.max(1, said.length)];
    return turn ? this.apply(turn) : [];
  }

  /** Everybody answers, until nothing is waited for. `each`: is told after every answer how the payment stood before it. */
  drain(each: (before: Payment) => void = () => undefined): void {
    while (this.steps.length + this.attempts.length > 0) {
      const before = this.life.payment;
      if (this.steps.length > 0) this.answerStep();
      else this.answerAttempt();
      each(before);
    }
  }

  held(): bigint {
    let sum = 0n;
    for (const { amount, posted, status } of this.holds.values()) if (status === 'pending') sum += amount - posted;
    return sum;
  }

  private moment(): Moment {
    const now = new Date((this.time += 1)).toISOString();
    return {
      cause: { id: newId('event'), actor: 'spec', traceId: null },
      now,
      ownNow: now,
      later: (by_ms, since) => new Date((since === undefined ? this.time : Date.parse(since)) + by_ms).toISOString(),
      // In the order of their making, as ids of a UUIDv7 are.
      newEventId: () => fromUuid('event', `00000000-0000-7000-8000-${(++this.count).toString(16).padStart(12, '0')}`),
      termsOf: () => this.terms,
    };
  }

  private carryOut(step: Step): bigint {
    const isBack = (JSON.parse(step.command) as { debit_account: string }).debit_account !== this.life.payment.source;
    if (step.type === 'payflow.transfer.post.v1') {
      this.book(isBack, step.amount);
      return 0n;
    }
    if (step.type === 'payflow.hold.place.v1') {
      this.holds.set(step.hold as string, { amount: step.amount, posted: 0n, status: 'pending' });
      return step.amount;
    }
    const hold = this.holds.get(step.hold as string);
    if (hold?.status !== 'pending') throw new Error(`a hold is ended that is ${hold?.status}`);
    if (step.type === 'payflow.hold.void.v1') hold.status = 'voided';
    else this.post(hold, step, isBack);
    return hold.status === 'pending' ? hold.amount - hold.posted : 0n;
  }

  private post(hold: Hold, { command, amount }: Step, isBack: boolean): void {
    if (amount > hold.amount - hold.posted) throw new Error('more is posted than is held');
    hold.posted += amount;
    if ((JSON.parse(command) as HoldPost).final || hold.posted === hold.amount) hold.status = 'posted';
    this.book(isBack, amount);
  }

  private book(isBack: boolean, amount: bigint): void {
    this.booked[isBack ? 'returned' : 'taken'] += amount;
  }
}
