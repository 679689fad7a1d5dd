import { toUuid, type Template, type TemplateLeg, type VariableType } from '@payflow/contracts';
import { allocate, isAssetCode, isUnitCode, parseAmount } from '@payflow/money';

/** What is wrong, and with which place of the request. */
export interface Fault {
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

/** A leg as a template comes to with its variables. */
export interface ExpandedLeg {
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly amount: bigint;
  readonly asset: string;
  /** The leg of the template, for who must say where something comes from. */
  readonly of: TemplateLeg;
}

export type Expansion =
  | { readonly kind: 'legs'; readonly legs: readonly ExpandedLeg[] }
  /** Variables are missing, unknown, or not of their type. */
  | { readonly kind: 'faults'; readonly faults: readonly Fault[] }
  /** The variables are of their types, and still nothing that can be booked. */
  | {
      readonly kind: 'refused';
      readonly code: 'template_parts_exceed_whole' | 'amount_not_positive' | 'accounts_identical';
      readonly pointer: string;
    };

/**
 * What a template comes to. Its parts of an amount sum to it: portions are allocated by the largest remainder, together with
 * what remains, and amounts are taken off what remains. Legs that come to nothing are left out.
 */
export function expandTemplate(template: Template, values: Readonly<Record<string, string>>): Expansion {
  const faults = faultsOfValues(template, values);
  if (faults.length > 0) return { kind: 'faults', faults };
  const amounts = new Map<TemplateLeg, bigint>();
  for (const [whole, parts] of partsByWhole(template)) {
    const split = splitWhole(amountIn(whole, values), parts, values);
    if (!split) return { kind: 'refused', code: 'template_parts_exceed_whole', pointer: placeOf(whole) };
    for (const [part, amount] of split) amounts.set(part, amount);
  }
  const legs = template.legs.map((of) => ({
    debitAccount: valueOf(of.debit_account, values),
    creditAccount: valueOf(of.credit_account, values),
    amount: amounts.get(of) ?? amountIn(of.amount ?? '', values),
    asset: valueOf(of.asset, values),
    of,
  }));
  const moving = legs.filter(({ amount }) => amount > 0n);
  if (moving.length === 0) return { kind: 'refused', code: 'amount_not_positive', pointer: '/variables' };
  const circle = moving.find(({ debitAccount, creditAccount }) => debitAccount === creditAccount);
  if (circle) return { kind: 'refused', code: 'accounts_identical', pointer: placeOf(circle.of.credit_account) };
  return { kind: 'legs', legs: moving };
}

/** Where the value of a template's place comes from: a variable, or the template itself. */
export function placeOf(text: string): string {
  const name = variableOf(text);
  return name === undefined ? '/type' : `/variables/${name}`;
}

/** The name of the variable that a place of a template is, or undefined where it is a literal. */
export function variableOf(text: string): string | undefined {
  return text.startsWith('$') ? text.slice(1) : undefined;
}

/** The legs that are parts of an amount, by that amount. */
export function partsByWhole({ legs }: Template): Map<string, TemplateLeg[]> {
  const parts = new Map<string, TemplateLeg[]>();
  for (const leg of legs) if (leg.of !== null) parts.set(leg.of, [...(parts.get(leg.of) ?? []), leg]);
  return parts;
}

/** A portion as numerator and denominator. */
export function portionOf(text: string): readonly [bigint, bigint] {
  const [numerator = '', denominator = ''] = text.split('/');
  return [BigInt(numerator), BigInt(denominator)];
}

/** Portions over one denominator: their weights, and what is left of the whole. */
export function weightsOf(portions: readonly string[]): { readonly weights: readonly bigint[]; readonly rest: bigint } {
  const fractions = portions.map(portionOf);
  const whole = fractions.reduce((common, [, denominator]) => leastCommonMultiple(common, denominator), 1n);
  const weights = fractions.map(([numerator, denominator]) => numerator * (whole / denominator));
  return { weights, rest: weights.reduce((left, weight) => left - weight, whole) };
}

/** What each part of a whole comes to, or undefined where they come to more than it. */
function splitWhole(
  whole: bigint,
  parts: readonly TemplateLeg[],
  values: Readonly<Record<string, string>>,
): Map<TemplateLeg, bigint> | undefined {
  const split = new Map<TemplateLeg, bigint>();
  const shares = parts.filter(({ portion }) => portion !== null);
  const { weights, rest } = weightsOf(shares.map(({ portion }) => portion as string));
  const allocated = allocate(whole, [...weights, rest]);
  shares.forEach((part, at) => split.set(part, allocated[at] as bigint));
  let remaining = allocated.at(-1) as bigint;
  for (const part of parts.filter(({ amount }) => amount !== null)) {
    const amount = amountIn(part.amount as string, values);
    split.set(part, amount);
    remaining -= amount;
  }
  for (const part of parts.filter((one) => one.remaining)) split.set(part, remaining);
  return remaining < 0n ? undefined : split;
}

function faultsOfValues({ variables }: Template, values: Readonly<Record<string, string>>): Fault[] {
  const pointer = (name: string): string => `/variables/${name}`;
  const missing = Object.keys(variables).filter((name) => !Object.hasOwn(values, name));
  const unknown = Object.keys(values).filter((name) => !Object.hasOwn(variables, name));
  const wrong = Object.entries(values).filter(([name, value]) => {
    const type = Object.hasOwn(variables, name) ? variables[name] : undefined;
    return type !== undefined && !IS_OF_TYPE[type](value);
  });
  return [
    ...missing.map((name) => ({ pointer: pointer(name), code: 'missing', detail: 'The template needs it.' })),
    ...unknown.map((name) => ({
      pointer: pointer(name),
      code: 'unknown',
      detail: 'The template has no such variable.',
    })),
    ...wrong.map(([name]) => ({
      pointer: pointer(name),
      code: 'malformed',
      detail: MUST_BE[variables[name] as VariableType],
    })),
  ];
}

const IS_OF_TYPE: Readonly<Record<VariableType, (value: string) => boolean>> = {
  account: (value) => toUuid('account', value) !== undefined,
  amount: (value) => parseAmount(value) !== undefined,
  asset: (value) => isAssetCode(value) || isUnitCode(value),
};
const MUST_BE: Readonly<Record<VariableType, string>> = {
  account: 'Must be the id of an account.',
  amount: 'Must be minor units, as digits.',
  asset: 'Must be the code of an asset, in upper case.',
};

function valueOf(text: string, values: Readonly<Record<string, string>>): string {
  const name = variableOf(text);
  return name === undefined ? text : (values[name] ?? '');
}

function amountIn(text: string, values: Readonly<Record<string, string>>): bigint {
  return parseAmount(valueOf(text, values)) ?? 0n;
}

function leastCommonMultiple(a: bigint, b: bigint): bigint {
  let [greater, less] = [a, b];
  while (less > 0n) [greater, less] = [less, greater % less];
  return (a / greater) * b;
}
