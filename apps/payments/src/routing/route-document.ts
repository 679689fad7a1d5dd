import { CONNECTORS } from '@payflow/connectors';
import { ROUTES_MAX } from '../database/route.repository.js';
import { PREFERENCES, type Route, type RouteMatch, type RouteTarget } from './rule.js';
import { WINDOW_MAX_MIN } from './track-records.js';

/** A route as it is written down by hand: what is left out has its default. */
export type RouteDocument = Omit<Route, 'id' | 'tenant' | 'livemode'>;

const DEFAULTS = { priority: 100, prefer: 'weight', window_min: 15, exploration_percent: 5 } as const;
const NAME = /^[a-z][a-z0-9_]{0,62}$/;
const AMOUNT = /^(0|[1-9][0-9]{0,18})$/;
const LIST_MAX = 100;
const TARGETS_MAX = 20;
const WEIGHT_MAX = 1_000;
const PRIORITY_MAX = 10_000;
const BASIS_POINTS_MAX = 10_000;
const EXPLORATION_PERCENT_MAX = 50;

export const TOO_MANY_ROUTES = `there are ${ROUTES_MAX} routes already, and no more can be`;

/** The route, or everything that is wrong with it, one line each. */
export function readRoute(document: unknown): RouteDocument | { readonly faults: readonly string[] } {
  const faults: string[] = [];
  const reader = new Reader(document, '', faults);
  reader.only(['name', 'priority', 'match', 'targets', 'prefer', 'window_min', 'exploration_percent']);
  const route: RouteDocument = {
    name: reader.text('name', NAME, 'a name of lower-case letters, digits and underscores') ?? '',
    priority: reader.integer('priority', 0, PRIORITY_MAX, DEFAULTS.priority),
    match: readMatch(reader.part('match')),
    targets: reader
      .list('targets', TARGETS_MAX)
      .map((target, at) => readTarget(new Reader(target, `targets/${at}/`, faults))),
    prefer: reader.oneOf('prefer', PREFERENCES, DEFAULTS.prefer),
    window_min: reader.integer('window_min', 1, WINDOW_MAX_MIN, DEFAULTS.window_min),
    exploration_percent: reader.integer(
      'exploration_percent',
      0,
      EXPLORATION_PERCENT_MAX,
      DEFAULTS.exploration_percent,
    ),
  };
  const names = route.targets.map(({ connector }) => connector);
  if (new Set(names).size < names.length) faults.push('targets name a connector twice');
  if (route.targets.length > 0 && route.targets.every(({ weight }) => weight === 0))
    faults.push('targets all have weight 0');
  // A hundred of one asset is not a hundred of another.
  if (saysSums(route) && route.match.assets?.length !== 1)
    faults.push('match/assets must name one asset, as amounts and fixed costs are in its minor units');
  return faults.length > 0 ? { faults } : route;
}

function saysSums({ match, targets }: Pick<RouteDocument, 'match' | 'targets'>): boolean {
  return match.amount_min !== null || match.amount_max !== null || targets.some(({ cost }) => cost.fixed !== '0');
}

function readMatch(reader: Reader): RouteMatch {
  reader.only(['method', 'assets', 'countries', 'brands', 'amount_min', 'amount_max']);
  const match = {
    method: reader.has('method') ? reader.oneOf('method', ['card'] as const, 'card') : null,
    assets: reader.texts('assets', /^[A-Z0-9]{3,12}$/, 'codes of assets'),
    countries: reader.texts('countries', /^[A-Z]{2}$/, 'codes of countries by ISO 3166-1'),
    brands: reader.texts('brands', /^[a-z][a-z0-9_]{1,31}$/, 'names of brands in lower case'),
    amount_min: reader.text('amount_min', AMOUNT, 'minor units as digits', true),
    amount_max: reader.text('amount_max', AMOUNT, 'minor units as digits', true),
  };
  const { amount_min, amount_max } = match;
  if (amount_min !== null && amount_max !== null && BigInt(amount_min) > BigInt(amount_max)) {
    reader.fault('amount_min', 'must not be greater than amount_max');
  }
  return match;
}

function readTarget(reader: Reader): RouteTarget {
  reader.only(['connector', 'weight', 'cost']);
  const cost = reader.part('cost');
  cost.only(['basis_points', 'fixed']);
  const outside = CONNECTORS.filter(({ capabilities }) => capabilities.isOutside).map(({ name }) => name);
  return {
    connector: reader.oneOf('connector', outside),
    weight: reader.integer('weight', 0, WEIGHT_MAX, 1),
    cost: {
      basis_points: cost.integer('basis_points', 0, BASIS_POINTS_MAX, 0),
      fixed: cost.text('fixed', AMOUNT, 'minor units as digits', true) ?? '0',
    },
  };
}

/** Reads the parts of one object, and notes what is wrong with each. */
class Reader {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(
    value: unknown,
    private readonly path: string,
    private readonly faults: string[],
  ) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isObject) faults.push(`${path || 'the route'} must be an object`);
    this.#fields = isObject ? (value as Readonly<Record<string, unknown>>) : {};
  }

  fault(name: string, problem: string): void {
    this.faults.push(`${this.path}${name} ${problem}`);
  }

  only(names: readonly string[]): void {
    for (const name of Object.keys(this.#fields)) if (!names.includes(name)) this.fault(name, 'is not known');
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined && this.#fields[name] !== null;
  }

  part(name: string): Reader {
    return new Reader(this.#fields[name] ?? {}, `${this.path}${name}/`, this.faults);
  }

  list(name: string, max: number): readonly unknown[] {
    const value = this.#fields[name];
    if (Array.isArray(value) && value.length > 0 && value.length <= max) return value;
    this.fault(name, `must be a list of 1 to ${max}`);
    return [];
  }

  text(name: string, pattern: RegExp, form: string, isOptional = false): string | null {
    const value = this.#fields[name];
    if (isOptional && !this.has(name)) return null;
    if (typeof value === 'string' && pattern.test(value)) return value;
    this.fault(name, `must be ${form}`);
    return null;
  }

  texts(name: string, pattern: RegExp, form: string): readonly string[] | null {
    if (!this.has(name)) return null;
    const value = this.list(name, LIST_MAX);
    if (value.every((each): each is string => typeof each === 'string' && pattern.test(each))) return value;
    this.fault(name, `must be ${form}`);
    return null;
  }

  integer(name: string, min: number, max: number, fallback: number): number {
    const value = this.#fields[name] ?? fallback;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    this.fault(name, `must be a whole number from ${min} to ${max}`);
    return fallback;
  }

  oneOf<T extends string>(name: string, words: readonly T[], fallback?: T): T {
    const value = this.#fields[name] ?? fallback;
    const word = words.find((each) => each === value);
    if (word !== undefined) return word;
    this.fault(name, `must be one of ${words.join(', ')}`);
    return words[0] as T;
  }
}
