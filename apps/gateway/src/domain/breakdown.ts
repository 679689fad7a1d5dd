import type { BreakdownKind, BreakdownPart, Template, TemplateLeg } from '@payflow/contracts';
import { allocate, formatAmount, parseAmount } from '@payflow/money';
import { expandTemplate, placeOf, type Expansion, type Fault } from './template.js';

/** A part as a client asks for it: a sum of its own, a proportion with or without a fixed sum, or a weight among those of its like. */
export interface PartAsked {
  readonly kind: BreakdownKind;
  readonly account: string;
  /** Minor units as digits, as `fixed` is. */
  readonly amount?: string;
  /** Hundredths of a percent of the payment's amount. */
  readonly basis_points?: number;
  readonly fixed?: string;
  readonly weight?: number;
}

/** What a payment says of itself to whatever divides it. */
export interface PaymentFacts {
  readonly source: string;
  readonly destination: string;
  readonly amount: string;
  readonly asset: string;
}

const WHOLE_BASIS_POINTS = 10_000n;

/**
 * What each part comes to of the whole amount: sums of their own as they are; proportions each rounded to the nearest unit, a
 * half to the even one, so that a fee is what anybody computes of it alone; and the parts with weights share what these leave by
 * the largest remainder. Undefined where they come to more than there is. What no part takes, the destination keeps: where there
 * are weights that is nothing, unless it is among them.
 */
export function breakdownOf(amount: bigint, asked: readonly PartAsked[]): BreakdownPart[] | undefined {
  const fixed = asked.map((part) => (part.weight === undefined ? ownAmount(amount, part) : 0n));
  const left = fixed.reduce((rest, part) => rest - part, amount);
  if (left < 0n) return undefined;
  const weights = asked.map(({ weight }) => BigInt(weight ?? 0));
  const weighted = weights.some((weight) => weight > 0n) ? allocate(left, weights) : weights;
  return asked.map(({ kind, account }, at) => ({
    kind,
    account,
    amount: formatAmount((fixed[at] as bigint) + (weighted[at] as bigint)),
  }));
}

function ownAmount(whole: bigint, { amount, basis_points = 0, fixed }: PartAsked): bigint {
  return halfEven(whole * BigInt(basis_points), WHOLE_BASIS_POINTS) + minor(amount) + minor(fixed);
}

function halfEven(numerator: bigint, denominator: bigint): bigint {
  const [quotient, twice] = [numerator / denominator, (numerator % denominator) * 2n];
  const isUp = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  return isUp ? quotient + 1n : quotient;
}

function minor(amount: string | undefined): bigint {
  return (amount === undefined ? undefined : parseAmount(amount)) ?? 0n;
}

export type TemplateBreakdown =
  | {
      readonly kind: 'parts';
      readonly parts: readonly BreakdownPart[];
      /** The leg of the template that each comes from, for who must say where something is wrong. */
      readonly legs: readonly TemplateLeg[];
    }
  | Exclude<Expansion, { readonly kind: 'legs' }>
  /** It divides something else than this payment. */
  | { readonly kind: 'unfit' };

/** Variables that a template has of the payment, where it declares them. */
const OF_PAYMENT = ['source', 'destination', 'amount', 'asset'] as const;

/**
 * What a type's template divides a payment into. It must move the payment's amount, whole and once, from its source and in its
 * asset; what it moves to the destination is the rest, everything else a part.
 */
export function templateBreakdown(
  template: Template,
  payment: PaymentFacts,
  variables: Readonly<Record<string, string>>,
): TemplateBreakdown {
  const taken = OF_PAYMENT.filter((name) => Object.hasOwn(variables, name));
  if (taken.length > 0) return { kind: 'faults', faults: taken.map(isGivenByPayment) };
  const given = OF_PAYMENT.filter((name) => Object.hasOwn(template.variables, name));
  const values = { ...variables, ...Object.fromEntries(given.map((name) => [name, payment[name]])) };
  const expansion = expandTemplate(template, values);
  if (expansion.kind !== 'legs') return expansion;
  const { legs } = expansion;
  const isOfPayment = legs.every(
    ({ debitAccount, asset, of }) => debitAccount === payment.source && asset === payment.asset && !of.up_to,
  );
  const sum = legs.reduce((total, { amount }) => total + amount, 0n);
  if (!isOfPayment || formatAmount(sum) !== payment.amount) return { kind: 'unfit' };
  const parts = legs.filter(({ creditAccount }) => creditAccount !== payment.destination);
  return {
    kind: 'parts',
    parts: parts.map(({ creditAccount: account, amount }) => ({
      kind: 'split',
      account,
      amount: formatAmount(amount),
    })),
    legs: parts.map(({ of }) => of),
  };
}

/** Where a request names the account of a template's leg. */
export function placeOfAccount({ credit_account }: TemplateLeg): string {
  const place = placeOf(credit_account);
  return OF_PAYMENT.some((name) => place === `/variables/${name}`) ? place.replace('/variables', '') : place;
}

function isGivenByPayment(name: string): Fault {
  return { pointer: `/variables/${name}`, code: 'unknown', detail: 'The payment itself gives it.' };
}
