import type { OperationKind } from '@payflow/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXPIRES_MS, SimulatedLife, type Outside } from '../testing/simulated-life.js';
import { isExclusive, isOpen, operationOf, type Life, type Operation } from './life.js';
import type { Payment } from './payment.js';
import { USUAL_TERMS } from './terms.js';
import { FINAL_STATES, isLegal } from './transitions.js';

const DAY_MS = 86_400_000;
/** So long that whatever has a time is over. */
const LONG_MS = 8 * DAY_MS;

/** An operation, and how the outside will answer it. */
interface Planned {
  /** `time`: none, but time that passes, and the sweeper that comes by. */
  readonly kind: OperationKind | 'time';
  readonly amount: number | null;
  readonly final: boolean;
  readonly isReserved: boolean;
  readonly isApproved: boolean;
}

const mostly = (weight: number) =>
  fc.oneof({ arbitrary: fc.constant(true), weight }, { arbitrary: fc.constant(false), weight: 1 });
const planned: fc.Arbitrary<Planned> = fc.record({
  kind: fc.oneof(
    { arbitrary: fc.constantFrom('increment', 'capture', 'capture', 'cancellation', 'refund', 'refund'), weight: 12 },
    { arbitrary: fc.constant('confirmation'), weight: 3 },
    { arbitrary: fc.constant('time'), weight: 2 },
  ) as fc.Arbitrary<Planned['kind']>,
  amount: fc.option(fc.integer({ min: 0, max: 1_400 }), { nil: null, freq: 6 }),
  final: fc.boolean(),
  isReserved: mostly(4),
  isApproved: mostly(3),
});
const plan = fc.record({
  first: fc.record({ isReserved: mostly(3), isApproved: mostly(3), acts: fc.boolean() }),
  method: fc.constantFrom({ type: 'internal' } as const, { type: 'card', token: 'tok_visa' } as const),
  capture: fc.constantFrom('automatic' as const, 'manual' as const, 'manual_multiple' as const),
  /** False where it waits to be confirmed. */
  confirm: mostly(3),
  overcapture_percent: fc.constantFrom(0, 15),
  /** How a provider answers when time has ended the payment. */
  isExpiryApproved: mostly(3),
  operations: fc.array(planned, { maxLength: 12 }),
  /** What happens next, again and again, until everything has been asked for. */
  turns: fc.array(fc.nat({ max: 99 }), { maxLength: 60 }),
});
type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never;

/** A refund, with what was captured and what of it was left when it began. */
interface Refund {
  readonly id: string;
  readonly captured: bigint;
  readonly left: bigint;
  readonly planned: Planned;
}

/** The smallest thing that knows how a payment's operations must end: one after the other, each as a whole. */
class Model {
  state: 'unconfirmed' | 'waiting' | 'open' | 'closed' = 'unconfirmed';
  authorized = 0;
  captured = 0;
  /** When what is set aside is given back, ms. */
  private until_ms = Infinity;
  private mode: Plan['capture'];
  private readonly isCard: boolean;

  constructor(private readonly plan: Plan) {
    this.mode = plan.capture;
    this.isCard = plan.method.type === 'card';
    if (plan.confirm) this.state = 'waiting';
  }

  /** How the first authorization ends, where nothing else ends the payment before. */
  get firstCode(): string | null {
    const { isReserved, isApproved } = this.plan.first;
    if (!isReserved) return 'insufficient_funds';
    return this.isCard && !isApproved ? 'card_declined' : null;
  }

  /** Whether its customer has to act before that. */
  get acts(): boolean {
    return this.isCard && this.plan.first.acts && this.plan.first.isReserved;
  }

  firstEnds(approvedAt_ms: number): void {
    if (this.state !== 'waiting') return;
    this.state = this.firstCode === null && this.mode !== 'automatic' ? 'open' : 'closed';
    if (this.firstCode !== null) return;
    this.authorized = 1000;
    this.captured = this.mode === 'automatic' ? 1000 : 0;
    this.until_ms = approvedAt_ms + 7 * DAY_MS;
  }

  confirmation({ final }: Planned, at_ms: number): string | null {
    const isWaiting = this.state === 'waiting';
    const canChoose = final || !isWaiting || this.mode !== 'automatic';
    if ((!isWaiting && this.state !== 'unconfirmed') || at_ms >= EXPIRES_MS || !canChoose)
      return 'payment_not_confirmable';
    if (isWaiting) return null;
    if (!final && this.mode === 'automatic') this.mode = 'manual';
    this.state = 'waiting';
    return this.acts ? null : this.firstCode;
  }

  increment(p: Planned, at_ms: number): string | null {
    if (!this.isUsable(at_ms) || this.captured > 0) return 'payment_not_incrementable';
    if (!p.amount) return 'amount_not_positive';
    if (!p.isReserved) return 'insufficient_funds';
    if (this.isCard && !p.isApproved) return 'card_declined';
    this.authorized += p.amount;
    return null;
  }

  capture(p: Planned, at_ms: number): string | null {
    if (!this.isUsable(at_ms)) return 'payment_not_capturable';
    if (p.amount === 0) return 'amount_not_positive';
    const left = this.authorized - this.captured;
    const amount = p.amount ?? left;
    const tolerance = Math.floor((this.authorized * this.plan.overcapture_percent) / 100);
    if (amount > left + tolerance) return 'capture_exceeds_authorized';
    if (amount > left && !p.isReserved) return 'insufficient_funds';
    if (this.isCard && !p.isApproved) return 'card_declined';
    this.captured += amount;
    if (p.final || this.mode !== 'manual_multiple' || amount >= left) this.close();
    return null;
  }

  cancellation({ isApproved }: Pick<Planned, 'isApproved'>): string | null {
    if (this.state === 'closed') return 'payment_not_cancelable';
    if (this.isCard && this.state !== 'unconfirmed' && !isApproved) return 'card_declined';
    this.close();
    return null;
  }

  expiry(at_ms: number): string | null {
    expect([this.state, this.isOverdue(at_ms)]).toEqual([expect.not.stringMatching('closed'), true]);
    return this.cancellation({ isApproved: this.plan.isExpiryApproved });
  }

  isOverdue(at_ms: number): boolean {
    return this.state !== 'closed' && at_ms >= (this.state === 'open' ? this.until_ms : EXPIRES_MS);
  }

  private isUsable(at_ms: number): boolean {
    return this.state === 'open' && at_ms < this.until_ms;
  }

  private close(): void {
    this.state = 'closed';
    this.authorized = this.captured;
  }
}

/** Plays the plan, whatever the order that its turns make. Returns the payment and its operations with what was planned of each. */
function played(plan: Plan) {
  const planOf = new Map<string, Planned | Plan['first']>();
  const of = (operation: string) => planOf.get(operation) ?? plan.first;
  let hasActed = !plan.first.acts;
  const outside: Outside = {
    refuses: ({ operation, type }) =>
      (type === 'payflow.hold.place.v1' || type === 'payflow.transfer.post.v1') && !of(operation).isReserved
        ? 'insufficient_funds'
        : null,
    answers: ({ operation, action }) => {
      if (!hasActed && (action === 'sale' || action === 'authorize')) {
        hasActed = true;
        return { outcome: 'requires_action', code: null };
      }
      const isExpiry = action === 'void' && !planOf.has(operation);
      return (isExpiry ? plan.isExpiryApproved : of(operation).isApproved)
        ? { outcome: 'approved', code: null }
        : { outcome: 'declined', code: 'card_declined' };
    },
  };
  const { method, capture, confirm, overcapture_percent } = plan;
  const terms = { ...USUAL_TERMS, overcapture_percent };
  const simulated = new SimulatedLife(outside, { method, capture, ...(confirm ? {} : { confirm }) }, terms);
  const waiting = [...plan.operations];
  const refunds: Refund[] = [];
  let awaiting: Pick<Refund, 'id' | 'planned'>[] = [];
  /** Those that have waited for what was captured begin when that has ended, one after the other. */
  const begun = ({ refunded, refunding }: Payment) => {
    const { life } = simulated;
    const began = awaiting.filter(({ id }) => operationOf(life, id)?.status !== 'queued');
    awaiting = awaiting.filter((each) => !began.includes(each));
    const { captured } = life.payment;
    let left = captured - refunded - refunding;
    for (const each of began) {
      refunds.push({ ...each, captured, left });
      const { amount } = each.planned;
      if (amount === null) left = 0n;
      else if (BigInt(amount) <= left) left -= BigInt(amount);
    }
  };
  const askNext = () => {
    const next = waiting.shift();
    if (!next) return;
    if (next.kind === 'time') {
      simulated.pass(LONG_MS);
      return simulated.expire();
    }
    const { payment } = simulated.life;
    const left = payment.captured - payment.refunded - payment.refunding;
    const { kind, amount, final } = next;
    // Known before it is asked for: what is refused is told at once.
    const id = simulated.wish(kind, {
      amount: amount === null ? null : BigInt(amount),
      final: (kind !== 'capture' && kind !== 'confirmation') || final,
    });
    planOf.set(id, next);
    if (kind !== 'refund') return;
    if (operationOf(simulated.life, id)?.status === 'queued') awaiting.push({ id, planned: next });
    else refunds.push({ id, captured: payment.captured, left, planned: next });
  };
  const holds = () => {
    const { authorized, captured, refunded, refunding } = simulated.life.payment;
    expect(captured <= authorized && refunded + refunding <= captured).toBe(true);
  };
  for (const turn of plan.turns) {
    const before = simulated.life.payment;
    if (turn < 40) askNext();
    else if (turn < 65) simulated.answerStep(turn % Math.max(1, simulated.steps.length));
    else if (turn < 90) simulated.answerAttempt(turn % Math.max(1, simulated.attempts.length));
    else expect(simulated.repeat(turn)).toEqual([]);
    begun(before);
    holds();
  }
  while (waiting.length > 0) askNext();
  simulated.drain(begun);
  // The sweeper's next round finds whose customer was told to act only when time was over, and whose end was refused meanwhile. All
  // else has ended with what was at work.
  const { payment, operations } = simulated.life;
  const isRefused = ({ kind, status }: Operation) =>
    (kind === 'cancellation' || kind === 'expiry') && status === 'failed';
  if (payment.status === 'requires_action' || operations.some(isRefused)) simulated.expire();
  simulated.drain(begun);
  holds();
  return { simulated, planOf, refunds };
}

const codeOf = (life: Life, id: string) => operationOf(life, id)?.failureCode ?? null;

/** The operations that take their turns, in the order in which they did. */
function inTheirOrder({ life, begunAt }: SimulatedLife): readonly Operation[] {
  const at = ({ id }: Operation) => begunAt.get(id) as number;
  return life.operations.filter(isExclusive).sort((a, b) => at(a) - at(b) || a.number - b.number);
}

/** What each of them must have ended with, and the model as it is then. */
function modelled(plan: Plan, { simulated, planOf }: ReturnType<typeof played>) {
  const { begunAt, endedAt, approvedAt } = simulated;
  const model = new Model(plan);
  const operations = inTheirOrder(simulated);
  const first = operations.find(({ kind }) => kind === 'authorization');
  const firstEnded_ms = endedAt.get(first?.id ?? '') ?? Infinity;
  // From then on its provider sets aside, though what is at work on the payment may keep it from ending.
  const approved_ms = approvedAt.get(first?.id ?? '') ?? firstEnded_ms;
  const expected = new Map<string, string | null>();
  let end: string | undefined;
  for (const { id, kind } of operations.filter((one) => one !== first)) {
    const at_ms = begunAt.get(id) as number;
    // Called off while its customer had to act, it was ended by that.
    if (firstEnded_ms <= at_ms) model.firstEnds(approved_ms);
    const wasWaiting = model.state === 'waiting';
    const code = kind === 'expiry' ? model.expiry(at_ms) : model[kind as 'capture'](planOf.get(id) as Planned, at_ms);
    expected.set(id, code);
    if (wasWaiting && model.state === 'closed') end = kind === 'expiry' ? 'payment_expired' : 'payment_canceled';
  }
  if (first) model.firstEnds(approved_ms);
  if (first) expected.set(first.id, end ?? model.firstCode);
  return { model, expected };
}

/** A thousand lives take a second, and much longer where everything else is tested beside them. */
const TIMEOUT_MS = 60_000;

describe('any sequence of operations, whoever answers first', { timeout: TIMEOUT_MS }, () => {
  const seed = Number(process.env['FAST_CHECK_SEED'] ?? Date.now() % 1_000_000);

  it(`ends each as the model does (seed ${seed})`, () => {
    fc.assert(
      fc.property(plan, (plan) => {
        const game = played(plan);
        const { life } = game.simulated;
        const { model, expected } = modelled(plan, game);
        const ends = inTheirOrder(game.simulated).map(({ id, kind }) => [kind, codeOf(life, id)]);
        expect(ends).toEqual(inTheirOrder(game.simulated).map(({ id, kind }) => [kind, expected.get(id)]));
        expect([Number(life.payment.authorized), Number(life.payment.captured)]).toEqual([
          model.authorized,
          model.captured,
        ]);
        // What is over ends, unless its provider will not have it.
        if (plan.isExpiryApproved) expect(model.isOverdue(game.simulated.now_ms)).toBe(false);
        for (const { id, captured, left, planned: p } of game.refunds) {
          const code = captured === 0n ? 'payment_not_refundable' : refused(p, left, plan.method.type === 'card');
          expect(codeOf(life, id)).toBe(code);
        }
      }),
      { numRuns: 1_000, seed },
    );
  });

  it(`adds up, goes only the ways there are, and ends what it holds (seed ${seed})`, () => {
    fc.assert(
      fc.property(plan, (plan) => {
        const { simulated } = played(plan);
        const { payment, operations, news } = simulated.life;
        const moves = news.filter((one) => one.kind === 'payment');
        expect(moves.map((move) => move.payment.version)).toEqual(moves.map((_, at) => at + 1));
        expect(moves.every(({ from, payment: { status } }) => isLegal(from, status))).toBe(true);
        expect(operations.filter(isOpen)).toEqual([]);
        const ends = news.flatMap((one) => (one.kind === 'operation' ? [one.operation.id] : []));
        expect(new Set(ends).size).toBe(ends.length);
        expect(simulated.booked).toEqual({ taken: payment.captured, returned: payment.refunded });
        expect(payment.refunding).toBe(0n);
        expect(simulated.held()).toBe(
          FINAL_STATES.includes(payment.status) ? 0n : payment.authorized - payment.captured,
        );
      }),
      { numRuns: 1_000, seed },
    );
  });
});

function refused(p: Planned, left: bigint, isCard: boolean): string | null {
  if (p.amount === 0) return 'amount_not_positive';
  if (left === 0n || (p.amount !== null && BigInt(p.amount) > left)) return 'refund_exceeds_captured';
  if (!p.isReserved) return 'insufficient_funds';
  return isCard && !p.isApproved ? 'card_declined' : null;
}
