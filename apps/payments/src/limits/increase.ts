import type { AnyMessage } from '@payflow/contracts';
import { AMOUNT_MAX } from '@payflow/money';
import { keyOf, type PaymentKey } from '../database/payment.repository.js';
import { isOpen, withPayment, type Kind, type Life } from '../domain/life.js';
import type { Payment } from '../domain/payment.js';
import type { PaymentFacts } from './facts.js';
import type { OwnedPolicy, Owner } from './policy.repository.js';
import { windowsOf, type Policy, type Tally } from './tally.js';
import { concerns, type Window } from './windows.js';

/** What may ask for more than the payment took its place in the limits with. */
export type IncreaseCommand = AnyMessage<'payflow.payment.increment.v1' | 'payflow.payment.capture.v1'>;

/** What something can be added to, or may be by the time that it is its turn. */
const INCREASABLE: readonly Payment['status'][] = ['processing', 'requires_action', 'authorized', 'partially_captured'];

/** An increase, and the payment that it is for, as it stands under its lock. */
export interface Increase {
  readonly command: IncreaseCommand;
  readonly life: Life;
}

/**
 * Holds what is to be added to payments against limits, in the day and month of the payment: increments, and what a capture takes
 * beyond what is authorized. How often somebody pays is not changed by it. Each is asked about when its turn comes, and takes its
 * place before a provider is asked; should it come to nothing, that is free again with its end (`keptBy`).
 */
export class Increases {
  /** Payments that take a place for the first time: they were taken in when nothing was held against limits. */
  readonly newlyJudged = new Map<string, PaymentKey>();
  readonly #policyOf: (owner: Owner) => OwnedPolicy | undefined;
  readonly #tally: Tally;

  /** The windows of {@link windowsOfIncrease} must be locked, and known to the tally. */
  constructor(policyOf: (owner: Owner) => OwnedPolicy | undefined, tally: Tally) {
    this.#policyOf = policyOf;
    this.#tally = tally;
  }

  /** The payment as it goes on, `asked` for more; undefined where that would pass a limit. */
  admit(life: Life, asked: Life): Life | undefined {
    const { payment } = life;
    const whole = standingOf(asked).whole;
    const added = whole - standingOf(life).whole;
    const policy = this.#policyOf(payment);
    if (!policy || added <= 0n) return asked;
    const taken = this.#tally.reservations.length;
    if (!isWithin(policy, factsOf(payment, added), whole, this.#tally)) return undefined;
    if (payment.admission !== null || this.#tally.reservations.length === taken) return asked;
    this.newlyJudged.set(keyOf(payment), payment);
    return withPayment(asked, { admission: 'judged' });
  }
}

/** The windows that what is added takes a place in. */
export function windowsOfIncrease({ command, life }: Increase, policy: OwnedPolicy | undefined): Window[] {
  return policy ? windowsOf(factsOf(life.payment, askedBy(command)), sumsOf(policy)) : [];
}

/** What a payment takes, and may take without more. */
interface Standing {
  /** All that it takes of the limits. */
  readonly whole: bigint;
  /** What can be captured of that. */
  readonly capturable: bigint;
}

function standingAfter(command: IncreaseCommand, { whole, capturable }: Standing): Standing {
  const asked = askedBy(command);
  if (command.type === 'payflow.payment.increment.v1') return { whole: whole + asked, capturable: capturable + asked };
  return asked <= capturable
    ? { whole, capturable: capturable - asked }
    : { whole: whole + asked - capturable, capturable: 0n };
}

function isWithin(policy: OwnedPolicy, facts: PaymentFacts, whole: bigint, tally: Tally): boolean {
  const isTooMuch = policy.limits.some(
    (limit) => limit.kind === 'per_payment' && concerns(limit, facts) && whole > BigInt(limit.amount as string),
  );
  return !isTooMuch && tally.admit(facts, sumsOf(policy)).kind !== 'denied';
}

/** Those on payments that something can be added to; none where, all of them let pass, nothing is added to any. */
export function increasesOf(commands: readonly IncreaseCommand[], lives: ReadonlyMap<string, Life>): Increase[] {
  const asking = commands.flatMap((command) => {
    const life = lives.get(keyOf(paymentOf(command)));
    return life && INCREASABLE.includes(life.payment.status) ? [{ command, life }] : [];
  });
  const most = new Map<string, Standing>();
  const adds = asking.map(({ command, life }) => {
    const key = keyOf(life.payment);
    const before = most.get(key) ?? standingOf(life);
    const after = standingAfter(command, before);
    most.set(key, after);
    return after.whole > before.whole;
  });
  return adds.includes(true) ? asking : [];
}

/** Of a capture of all that is left: nothing beyond that. */
function askedBy({ data }: IncreaseCommand): bigint {
  return BigInt(data.amount ?? 0);
}

/** How the payment stands with all that was asked of it and has not ended. */
function standingOf({ payment, operations }: Life): Standing {
  const asked = (kind: Kind) =>
    operations.reduce((sum, one) => (one.kind === kind && isOpen(one) ? sum + (one.amount ?? 0n) : sum), 0n);
  // Of one that is under way no more is authorized than was asked for.
  const authorized = payment.authorized > 0n ? payment.authorized : BigInt(payment.amount);
  const left = authorized + asked('increment') - payment.captured - asked('capture');
  const whole = wholeOf(payment) + asked('increment');
  return left < 0n ? { whole: whole - left, capturable: 0n } : { whole, capturable: left };
}

/**
 * What of the limits the payment still needs, at most, once something that was to be added to it has come to nothing. What waits
 * may ask for more than any payment can be: no limit has more to keep than a sum can hold.
 */
export function keptBy(life: Life): bigint {
  const { whole } = standingOf(life);
  return whole < AMOUNT_MAX ? whole : AMOUNT_MAX;
}

/** Of the limits those that add up. */
function sumsOf({ limits }: Policy): Policy {
  return { limits: limits.filter(({ kind }) => kind === 'per_day' || kind === 'per_month'), rules: [] };
}

function wholeOf({ amount, authorized }: Payment): bigint {
  const asked = BigInt(amount);
  return authorized > asked ? authorized : asked;
}

/** What waits and may come to nothing is no base: a limit that is younger than it counts less by it, if it is carried out. */
function factsOf(payment: Payment, amount: bigint): PaymentFacts {
  const { id, tenant, livemode, asset, method, customer, source, destination, createdAt } = payment;
  const named = { payment: id, tenant, livemode, asset, method, customer, source, destination };
  return { ...named, amount, at_ms: Date.parse(createdAt), base: BigInt(payment.amount) - wholeOf(payment) };
}

function paymentOf({ tenant, livemode, data: { id } }: IncreaseCommand): PaymentKey {
  return { tenant, livemode, id };
}
