import { unsupported, type Capabilities, type Unsupported } from '@payflow/connectors';
import { drawOf, drawn } from './draw.js';
import { inOrder, isFor, type Preference, type Route, type RouteTarget, type Traveller } from './rule.js';

/** A connector as far as routing looks at it. */
export interface Eligible {
  readonly name: string;
  readonly capabilities: Capabilities;
}

/** How a connector has done lately. */
export interface TrackRecord {
  readonly succeeded: number;
  readonly tried: number;
}

/** Of a connector, within so many minutes. */
export type Records = (connector: string, window_min: number) => TrackRecord;

/** Why a candidate stands where it stands. */
export type Reason = 'only_one' | 'drawn' | 'cheapest' | 'most_successful' | 'explored' | 'next' | 'in_order';

export interface Candidate {
  readonly connector: string;
  readonly reason: Reason;
  readonly weight?: number;
  /** Minor units of the payment's asset. */
  readonly cost?: string;
  readonly succeeded?: number;
  readonly tried?: number;
}

/** Why it was so, as the attempt keeps it and the API shows it. */
export interface Explanation {
  /** Null: no route was for it, and every connector that can do it may. */
  readonly route: { readonly id: string; readonly name: string } | null;
  readonly prefer: Preference | null;
  /** In the order in which they are tried. */
  readonly candidates: readonly Candidate[];
  readonly left_out: readonly { readonly connector: string; readonly reason: Unsupported | 'not_configured' }[];
}

/**
 * Whom to ask, first to last. The first route in order that is for the payment and has a connector which can do it decides alone:
 * what it does not name is not asked, not even when all that it names have failed. Without one, whoever can, as the registry has them.
 */
export function route(
  traveller: Traveller,
  routes: readonly Route[],
  connectors: readonly Eligible[],
  records: Records,
): Explanation {
  const able = connectors.filter(({ capabilities }) => unsupported(capabilities, traveller) === undefined);
  const names = new Set(able.map(({ name }) => name));
  for (const each of inOrder(routes)) {
    if (!isFor(each, traveller)) continue;
    const targets = each.targets.filter(({ connector }) => names.has(connector));
    if (targets.length === 0) continue;
    const { id, name, prefer } = each;
    return {
      route: { id, name },
      prefer,
      candidates: ordered({ ...each, targets }, traveller, records),
      left_out: each.targets.flatMap(({ connector }) => whyNot(connector, connectors, traveller)),
    };
  }
  return {
    route: null,
    prefer: null,
    candidates: able.map(({ name: connector }) => ({
      connector,
      reason: able.length === 1 ? ('only_one' as const) : ('in_order' as const),
    })),
    left_out: connectors.flatMap(({ name }) => whyNot(name, connectors, traveller)),
  };
}

function whyNot(
  name: string,
  connectors: readonly Eligible[],
  traveller: Traveller,
): Explanation['left_out'][number][] {
  const connector = connectors.find((each) => each.name === name);
  const reason = connector ? unsupported(connector.capabilities, traveller) : 'not_configured';
  return reason === undefined ? [] : [{ connector: name, reason }];
}

interface Rated {
  readonly target: RouteTarget;
  readonly weight: number;
  readonly cost: bigint;
  readonly record: TrackRecord;
}

function ordered(rule: Route, traveller: Traveller, records: Records): readonly Candidate[] {
  const rated = rule.targets.map((target): Rated => ({
    target,
    weight: target.weight,
    cost: costOf(target, traveller.amount),
    record: records(target.connector, rule.window_min),
  }));
  // What is equal otherwise is decided by weight.
  const byWeight = drawn(rated, rule.id, traveller.paymentId);
  const { order, reason } = preferred(rule, byWeight, traveller);
  return order.map(({ target, cost, record }, at) => ({
    connector: target.connector,
    reason: rated.length === 1 ? 'only_one' : at === 0 ? reason : 'next',
    weight: target.weight,
    ...(traveller.amount === null ? {} : { cost: cost.toString() }),
    ...record,
  }));
}

/**
 * With fewer than so many tries of all its connectors together, within the window, an organisation has no rates to go by: of nine in
 * ten that succeed, twenty show between seven and ten. One customer with a bad card would send all others elsewhere.
 */
const TRIES_MIN = 20;

function triesOf(all: readonly Rated[]): number {
  return all.reduce((sum, { record: { tried } }) => sum + tried, 0);
}

function preferred(
  { id, prefer, exploration_percent }: Route,
  byWeight: readonly Rated[],
  { paymentId }: Traveller,
): { readonly order: readonly Rated[]; readonly reason: Reason } {
  switch (prefer) {
    case 'weight':
      return { order: byWeight, reason: 'drawn' };
    case 'cost':
      return {
        order: [...byWeight].sort((a, b) => sparesLast(a, b) || (a.cost < b.cost ? -1 : a.cost > b.cost ? 1 : 0)),
        reason: 'cheapest',
      };
    case 'success_rate': {
      if (triesOf(byWeight) < TRIES_MIN) return { order: byWeight, reason: 'drawn' };
      const best = [...byWeight].sort((a, b) => sparesLast(a, b) || rateOf(b.record) - rateOf(a.record));
      const others = best.slice(1).filter(({ weight }) => weight > 0);
      if (drawOf('exploration', id, paymentId) * 100 >= exploration_percent || others.length === 0) {
        return { order: best, reason: 'most_successful' };
      }
      const [explored] = drawn(others, 'explored', id, paymentId) as [Rated];
      return { order: [explored, ...best.filter((each) => each !== explored)], reason: 'explored' };
    }
    default:
      return prefer satisfies never;
  }
}

/** Who has no weight is asked only when the others fail, however cheap or successful it may be. */
function sparesLast(a: Rated, b: Rated): number {
  return Number(a.weight === 0) - Number(b.weight === 0);
}

/** As if there had been one more success and one more failure: a connector that was tried once is not the best or the worst for it. */
function rateOf({ succeeded, tried }: TrackRecord): number {
  return (succeeded + 1) / (tried + 2);
}

const BASIS_POINTS = 10_000n;

/** Rounded up, as providers do. */
function costOf({ cost }: RouteTarget, amount: string | null): bigint {
  const share = BigInt(amount ?? '0') * BigInt(cost.basis_points);
  return (share + BASIS_POINTS - 1n) / BASIS_POINTS + BigInt(cost.fixed);
}
