import type { OperationKind } from '@payflow/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedLife, type Outside } from '../testing/simulated-life.js';
import { isExclusive, isOpen, operationOf, type Life } from './life.js';
import type { Payment } from './payment.js';
import { FINAL_STATES, isLegal } from './transitions.js';

type Asked = Exclude<OperationKind, 'confirmation'>;

/** An operation, and how the outside will answer it. */
interface Planned {
  readonly kind: Asked;
  readonly amount: number | null;
  readonly final: boolean;
  readonly isReserved: boolean;
  readonly isApproved: boolean;
}

const planned: fc.Arbitrary<Planned> = fc.record({
  kind: fc.constantFrom<Asked[]>('increment', 'capture', 'capture', 'cancellation', 'refund', 'refund'),
  amount: fc.option(fc.integer({ min: 0, max: 700 }), { nil: null, freq: 6 }),
  final: fc.boolean(),
  isReserved: fc.oneof({ arbitrary: fc.constant(true), weight: 4 }, { arbitrary: fc.constant(false), weight: 1 }),
  isApproved: fc.oneof({ arbitrary: fc.constant(true), weight: 3 }, { arbitrary: fc.constant(false), weight: 1 }),
});
const plan = fc.record({
  first: fc.record({ isReserved: fc.boolean(), isApproved: fc.boolean(), acts: fc.boolean() }),
  method: fc.constantFrom({ type: 'internal' } as const, { type: 'card', token: 'tok_visa' } as const),
  capture: fc.constantFrom('automatic' as const, 'manual' as const, 'manual_multiple' as const),
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
interface Model {
  state: 'begun' | 'open' | 'closed';
  authorized: number;
  captured: number;
}

function modelled(model: Model, kind: Exclude<Asked, 'refund'>, p: Planned, { method, capture }: Plan): string | null {
  const isCard = method.type === 'card';
  const isOver = model.state !== 'open';
  if (kind === 'increment') {
    if (isOver || model.captured > 0) return 'payment_not_incrementable';
    if (!p.amount) return 'amount_not_positive';
    if (!p.isReserved) return 'insufficient_funds';
    if (isCard && !p.isApproved) return 'card_declined';
    model.authorized += p.amount;
    return null;
  }
  if (kind === 'cancellation') {
    if (isOver) return 'payment_not_cancelable';
    if (isCard && !p.isApproved) return 'card_declined';
    Object.assign(model, { state: 'closed', authorized: model.captured });
    return null;
  }
  if (isOver) return 'payment_not_capturable';
  if (p.amount === 0) return 'amount_not_positive';
  const left = model.authorized - model.captured;
  if (p.amount !== null && p.amount > left) return 'capture_exceeds_authorized';
  if (isCard && !p.isApproved) return 'card_declined';
  model.captured += p.amount ?? left;
  const isLast = p.final || capture === 'manual' || model.captured === model.authorized;
  if (isLast) Object.assign(model, { state: 'closed', authorized: model.captured });
  return null;
}

/** Plays the plan, whatever the order that its turns make. Returns the payment and its operations with what was planned of each. */
function played(plan: Plan, acts: boolean) {
  const planOf = new Map<string, Planned | Plan['first']>();
  const of = (operation: string) => planOf.get(operation) ?? plan.first;
  let hasActed = !acts;
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
      return of(operation).isApproved
        ? { outcome: 'approved', code: null }
        : { outcome: 'declined', code: 'card_declined' };
    },
  };
  const simulated = new SimulatedLife(outside, { method: plan.method, capture: plan.capture });
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
    const { payment } = simulated.life;
    const left = payment.captured - payment.refunded - payment.refunding;
    const { kind, amount, final } = next;
    // Known before it is asked for: what is refused is told at once.
    const id = simulated.wish(kind, {
      amount: amount === null ? null : BigInt(amount),
      final: kind !== 'capture' || final,
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
  holds();
  return { simulated, planOf, refunds };
}

const codeOf = (life: Life, id: string) => operationOf(life, id)?.failureCode ?? null;

describe('any sequence of operations, whoever answers first', () => {
  const seed = Number(process.env['FAST_CHECK_SEED'] ?? Date.now() % 1_000_000);

  it(`ends each as the model does (seed ${seed})`, () => {
    fc.assert(
      fc.property(plan, (plan) => {
        const { simulated, planOf, refunds } = played(plan, false);
        const { life } = simulated;
        const model: Model = { state: 'begun', authorized: 0, captured: 0 };
        const isRefused = !plan.first.isReserved || (plan.method.type === 'card' && !plan.first.isApproved);
        if (!isRefused) {
          model.authorized = 1000;
          model.captured = plan.capture === 'automatic' ? 1000 : 0;
          model.state = plan.capture === 'automatic' ? 'closed' : 'open';
        }
        for (const { id, kind } of life.operations.filter((one) => isExclusive(one) && planOf.has(one.id))) {
          const expected = modelled(model, kind as Exclude<Asked, 'refund'>, planOf.get(id) as Planned, plan);
          expect([kind, codeOf(life, id)]).toEqual([kind, expected]);
        }
        expect([Number(life.payment.authorized), Number(life.payment.captured)]).toEqual([
          model.authorized,
          model.captured,
        ]);
        for (const { id, captured, left, planned: p } of refunds) {
          const expected = captured === 0n ? 'payment_not_refundable' : refused(p, left, plan.method.type === 'card');
          expect(codeOf(life, id)).toBe(expected);
        }
      }),
      { numRuns: 1_000, seed },
    );
  });

  it(`adds up, goes only the ways there are, and ends what it holds (seed ${seed})`, () => {
    fc.assert(
      fc.property(plan, (plan) => {
        const { simulated } = played(plan, plan.first.acts);
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
