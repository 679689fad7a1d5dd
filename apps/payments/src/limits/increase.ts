import type { AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { keyOf, type PaymentKey } from '../database/payment.repository.js';
import type { Life } from '../domain/life.js';
import type { Payment } from '../domain/payment.js';
import type { PaymentFacts } from './facts.js';
import { keyOfOwner, type OwnedPolicy, type Policies } from './policy.repository.js';
import { keyOfWindow, Tally, windowsOf, type Policy, type Reservation } from './tally.js';
import { lockWindows, reserve } from './use.repository.js';
import { concerns } from './windows.js';

export type IncrementCommand = AnyMessage<'payflow.payment.increment.v1'>;

/** What something can be added to, or may be by the time that it is its turn. */
const INCREASABLE: readonly Payment['status'][] = ['processing', 'requires_action', 'authorized'];

/**
 * What is to be added to payments that were held against limits is held against these as well, in the day and month of the
 * payment; how often somebody pays is not changed by it. Takes what is added before it is asked for, and leaves it taken should
 * it be refused by others: what was not captured is free when the payment ends. Returns the ids of the commands that would pass a
 * limit. `lives` are locked: first the payments, then the windows, as whoever ends them does. Nothing is sent where none was judged.
 */
export async function admitIncreases(
  tx: Transaction,
  policies: Policies,
  commands: readonly IncrementCommand[],
  lives: ReadonlyMap<string, Life>,
  known: ReadonlyMap<string, OwnedPolicy>,
): Promise<Set<string>> {
  const payments = new Map(
    commands.flatMap((command): [string, Payment][] => {
      const payment = lives.get(keyOf(paymentOf(command)))?.payment;
      const isJudged = payment && payment.admission !== null && INCREASABLE.includes(payment.status);
      return isJudged ? [[keyOf(payment), payment]] : [];
    }),
  );
  if (payments.size === 0) return new Set();
  const owners = [...payments.values()].filter((payment) => !known.has(keyOfOwner(payment)));
  const read = owners.length > 0 ? await policies.load(tx, owners) : new Map<string, OwnedPolicy>();
  const asked = commands.flatMap((command) => {
    const payment = payments.get(keyOf(paymentOf(command)));
    const policy = payment && (known.get(keyOfOwner(payment)) ?? read.get(keyOfOwner(payment)));
    return policy ? [{ command, payment, facts: factsOf(payment, command), policy }] : [];
  });
  const windows = asked.flatMap(({ facts, policy }) => windowsOf(facts, sumsOf(policy)));
  const tally = new Tally(windows.length > 0 ? await lockWindows(tx, windows) : new Map(), new Map());
  const added = new Map<string, bigint>();
  const refused = new Set<string>();
  for (const { command, payment, facts, policy } of asked) {
    const whole = added.get(keyOf(payment)) ?? wholeOf(payment);
    const isTooMuch = policy.limits.some(
      (limit) =>
        limit.kind === 'per_payment' && concerns(limit, facts) && whole + facts.amount > BigInt(limit.amount as string),
    );
    if (isTooMuch || tally.admit(facts, sumsOf(policy)).kind === 'denied') refused.add(command.id);
    else added.set(keyOf(payment), whole + facts.amount);
  }
  await reserve(tx, tally.growth, together(tally.reservations));
  return refused;
}

/** Of the limits those that add up. */
function sumsOf({ limits }: Policy): Policy {
  return { limits: limits.filter(({ kind }) => kind === 'per_day' || kind === 'per_month'), rules: [] };
}

function wholeOf({ amount, authorized }: Payment): bigint {
  const asked = BigInt(amount);
  return authorized > asked ? authorized : asked;
}

function factsOf(payment: Payment, { data }: IncrementCommand): PaymentFacts {
  const { id, tenant, livemode, asset, method, customer, source, destination, createdAt } = payment;
  const named = { payment: id, tenant, livemode, asset, method, customer, source, destination };
  return { ...named, amount: BigInt(data.amount), at_ms: Date.parse(createdAt) };
}

/** One statement must not meet what a payment takes of a window twice. */
function together(reservations: readonly Reservation[]): Reservation[] {
  const sums = new Map<string, Reservation>();
  for (const one of reservations) {
    const key = `${one.payment} ${keyOfWindow(one)}`;
    const before = sums.get(key);
    sums.set(key, before ? { ...before, amount: before.amount + one.amount } : one);
  }
  return [...sums.values()];
}

function paymentOf({ tenant, livemode, data: { id } }: IncrementCommand): PaymentKey {
  return { tenant, livemode, id };
}
