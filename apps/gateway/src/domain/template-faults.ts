import type { Template, TemplateLeg, VariableType } from '@payflow/contracts';
import { isAssetCode, isUnitCode, parseAmount } from '@payflow/money';
import { partsByWhole, portionOf, variableOf, weightsOf, type Fault } from './template.js';

type Place = 'debit_account' | 'credit_account' | 'asset' | 'amount' | 'of';

const PLACES: readonly (readonly [Place, VariableType])[] = [
  ['debit_account', 'account'],
  ['credit_account', 'account'],
  ['asset', 'asset'],
  ['amount', 'amount'],
  ['of', 'amount'],
];

/** Why a template could never be expanded, or not to what sums up: all of it, each with its place in the template. */
export function faultsOfTemplate(template: Template): Fault[] {
  const ofLegs = template.legs.flatMap((leg, at) => [
    ...faultsOfPlaces(template, leg, at),
    ...faultsOfAmount(leg, at),
    ...faultsOfLiterals(leg, at),
  ]);
  // Sums of what is malformed mean nothing.
  const ofWholes =
    ofLegs.length > 0 ? [] : [...partsByWhole(template).values()].flatMap((parts) => faultsOfWhole(template, parts));
  return [...ofLegs, ...ofWholes, ...unused(template)];
}

function faultsOfPlaces({ variables }: Template, leg: TemplateLeg, at: number): Fault[] {
  return PLACES.flatMap(([place, expected]) => {
    const name = variableOf(leg[place] ?? '');
    if (name === undefined) return [];
    if (!Object.hasOwn(variables, name))
      return [fault(at, place, 'variable_unknown', 'The template declares no such variable.')];
    return variables[name] === expected
      ? []
      : [fault(at, place, 'variable_wrong_type', `Must be a variable of type ${expected}.`)];
  });
}

/** A leg moves an amount of its own, or one part of another. */
function faultsOfAmount({ of, amount, portion, remaining, up_to }: TemplateLeg, at: number): Fault[] {
  // Where less is moved than its part, the parts sum to the whole no more.
  if (up_to && of !== null)
    return [fault(at, 'up_to', 'not_supported', 'Must have an amount of its own: parts sum to the whole.')];
  const given = [amount !== null, portion !== null, remaining].filter(Boolean).length;
  if (of === null)
    return amount !== null && given === 1
      ? []
      : [fault(at, 'amount', 'missing', 'Must have an `amount` alone, or be a part `of` one.')];
  return given === 1
    ? []
    : [fault(at, 'of', 'ambiguous', 'Must be an `amount`, a `portion` or the `remaining` of it: one of them.')];
}

function faultsOfLiterals(leg: TemplateLeg, at: number): Fault[] {
  const { asset, amount, portion } = leg;
  const faults: Fault[] = [];
  // Whether the tenant has such a unit is looked up when all else is right.
  if (variableOf(asset) === undefined && !isAssetCode(asset) && !isUnitCode(asset))
    faults.push(fault(at, 'asset', 'asset_unknown', 'Must be the code of a known asset.'));
  if (amount === '0') faults.push(fault(at, 'amount', 'amount_not_positive', 'Must be greater than zero.'));
  if (amount !== null && variableOf(amount) === undefined && parseAmount(amount) === undefined)
    faults.push(fault(at, 'amount', 'out_of_range', 'Must be at most 9223372036854775807.'));
  if (portion !== null && portionOf(portion)[0] > portionOf(portion)[1])
    faults.push(fault(at, 'portion', 'out_of_range', 'Must be at most the whole.'));
  if (leg.debit_account === leg.credit_account)
    faults.push(fault(at, 'credit_account', 'accounts_identical', 'Must be another account than the one debited.'));
  return faults;
}

/** The parts of one whole are of one asset, and sum to it whatever it is. */
function faultsOfWhole({ legs }: Template, parts: readonly TemplateLeg[]): Fault[] {
  const placed = (part: TemplateLeg, place: string, code: string, detail: string) => [
    fault(legs.indexOf(part), place, code, detail),
  ];
  const [first, ...others] = parts as [TemplateLeg, ...TemplateLeg[]];
  const stranger = others.find(({ asset }) => asset !== first.asset);
  if (stranger) return placed(stranger, 'asset', 'assets_differ', 'Must be of the asset of the other parts.');
  const [last, second] = parts.filter(({ remaining }) => remaining);
  if (second) return placed(second, 'remaining', 'repeated', 'Another part is what remains.');
  const shares = parts.filter(({ portion }) => portion !== null);
  const { rest } = weightsOf(shares.map(({ portion }) => portion as string));
  const lastShare = shares.at(-1);
  if (lastShare && rest < 0n)
    return placed(lastShare, 'portion', 'exceeds_whole', 'The portions come to more than the whole.');
  if (last && rest === 0n) return placed(last, 'remaining', 'nothing_remains', 'The portions come to the whole.');
  if (!last && (rest > 0n || parts.length > shares.length))
    return placed(
      first,
      'of',
      'remainder_missing',
      'The parts do not sum to the whole: make one of them the `remaining`.',
    );
  return [];
}

function unused({ variables, legs }: Template): Fault[] {
  const used = new Set(legs.flatMap((leg) => PLACES.map(([place]) => variableOf(leg[place] ?? ''))));
  const idle = Object.keys(variables).filter((name) => !used.has(name));
  return idle.map((name) => ({ pointer: `/template/variables/${name}`, code: 'unused', detail: 'No leg uses it.' }));
}

function fault(at: number, place: string, code: string, detail: string): Fault {
  return { pointer: `/template/legs/${at}/${place}`, code, detail };
}
