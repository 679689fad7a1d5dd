import type { Capabilities, ProviderAction } from './connector.js';

/** What a connector is to be asked, as far as its capabilities decide whether it can. */
export interface Demand {
  readonly method: Capabilities['methods'][number];
  readonly action: ProviderAction;
  readonly asset: string;
  /** Minor units as digits; null where the action has no sum. */
  readonly amount: string | null;
  readonly brand?: string | undefined;
  readonly country?: string | undefined;
}

export type Unsupported =
  | 'method_not_supported'
  | 'action_not_supported'
  | 'asset_not_supported'
  | 'brand_not_supported'
  | 'country_not_supported'
  | 'amount_not_supported';

/** Why a connector with these capabilities cannot do it; undefined where it can. What is not known of a card rules nobody out. */
export function unsupported(capabilities: Capabilities, demand: Demand): Unsupported | undefined {
  const { methods, actions, assets, brands, countries, amount } = capabilities;
  if (!methods.includes(demand.method)) return 'method_not_supported';
  if (!actions.includes(demand.action)) return 'action_not_supported';
  if (isOut(assets, demand.asset)) return 'asset_not_supported';
  if (isOut(brands, demand.brand)) return 'brand_not_supported';
  if (isOut(countries, demand.country)) return 'country_not_supported';
  if (demand.amount === null) return undefined;
  const sum = BigInt(demand.amount);
  if (amount.min !== null && sum < BigInt(amount.min)) return 'amount_not_supported';
  if (amount.max !== null && sum > BigInt(amount.max)) return 'amount_not_supported';
  return undefined;
}

function isOut(list: readonly string[] | null, value: string | undefined): boolean {
  return list !== null && value !== undefined && !list.includes(value);
}
