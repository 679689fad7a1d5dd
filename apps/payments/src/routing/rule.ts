import type { Demand } from '@payflow/connectors';

/** What the targets of a route are put in order by. */
export const PREFERENCES = ['weight', 'cost', 'success_rate'] as const;
export type Preference = (typeof PREFERENCES)[number];

/** One place where a payment may be sent. */
export interface RouteTarget {
  readonly connector: string;
  /** Its share of the payments, relative to the others'; 0: only when the others fail. */
  readonly weight: number;
  /** What the provider takes: a share of the amount, in hundredths of a percent, and minor units of its asset. */
  readonly cost: { readonly basis_points: number; readonly fixed: string };
}

/** Which payments a route is for. What is null or left out is open; all that is said must be so. */
export interface RouteMatch {
  readonly method: Demand['method'] | null;
  readonly assets: readonly string[] | null;
  readonly countries: readonly string[] | null;
  readonly brands: readonly string[] | null;
  /** Minor units as digits, both included. */
  readonly amount_min: string | null;
  readonly amount_max: string | null;
}

/** Routing as data: for these payments, these connectors, in this order. */
export interface Route {
  readonly id: string;
  /** Null: of every organisation. */
  readonly tenant: string | null;
  readonly livemode: boolean;
  readonly name: string;
  /** The least comes first; of equals, an organisation's own before one of all. */
  readonly priority: number;
  readonly match: RouteMatch;
  readonly targets: readonly RouteTarget[];
  readonly prefer: Preference;
  /** How far back success is counted. */
  readonly window_min: number;
  /** Of the payments that go by success, the share that goes to the others all the same: who is never tried is never found better. */
  readonly exploration_percent: number;
}

/** A payment that looks for a connector. */
export interface Traveller extends Demand {
  /** The same payment is always sent the same way. */
  readonly paymentId: string;
}

/** Whether a route is for a payment. A route that names brands or countries is not for a card of which they are not known. */
export function isFor({ match }: Route, { method, asset, country, brand, amount }: Traveller): boolean {
  if (match.method !== null && match.method !== method) return false;
  if (!isAmong(match.assets, asset) || !isAmong(match.countries, country) || !isAmong(match.brands, brand))
    return false;
  if (match.amount_min === null && match.amount_max === null) return true;
  if (amount === null) return false;
  const sum = BigInt(amount);
  if (match.amount_min !== null && sum < BigInt(match.amount_min)) return false;
  return match.amount_max === null || sum <= BigInt(match.amount_max);
}

/** In the order in which they are looked at. */
export function inOrder(routes: readonly Route[]): readonly Route[] {
  return [...routes].sort(
    (a, b) =>
      a.priority - b.priority || Number(a.tenant === null) - Number(b.tenant === null) || (a.name < b.name ? -1 : 1),
  );
}

function isAmong(list: readonly string[] | null, value: string | undefined): boolean {
  return list === null || (value !== undefined && list.includes(value));
}
