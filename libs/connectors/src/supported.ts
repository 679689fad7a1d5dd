import type { NotSentReason } from '@payflow/contracts';
import type { Capabilities, ProviderAction, ProviderRequest } from './connector.js';

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

export type Unsupported = Extract<NotSentReason, `${string}_not_supported`>;

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

/** As {@link unsupported}, of a wish: what it is paid by is its card, where it has one. */
export function unsupportedWish(
  capabilities: Capabilities,
  { action, asset, amount, card }: ProviderRequest,
): Unsupported | undefined {
  const [method = 'card'] = capabilities.methods;
  return unsupported(capabilities, {
    method: card?.type ?? method,
    action,
    asset,
    amount,
    brand: card?.brand,
    country: card?.country,
  });
}

function isOut(list: readonly string[] | null, value: string | undefined): boolean {
  return list !== null && value !== undefined && !list.includes(value);
}
