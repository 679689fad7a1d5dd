import type { Capabilities, Connector } from '@payflow/connectors';
import type { Attempt } from './attempt.js';

/** Which connector is to be asked, and why it and no other: kept with the attempt. */
export interface Choice {
  readonly connector: Connector;
  readonly explained: object;
}

/** Chooses among all but those that were tried; undefined where nobody is left. */
export type Choose = (attempt: Attempt) => Promise<Choice | undefined>;

/** The first of the registry that can do it. */
export function firstAble(connectors: readonly Connector[]): Choose {
  return async (attempt) => {
    const able = connectors.filter(({ capabilities }) => isAble(capabilities, attempt));
    const connector = able.find(({ name }) => !attempt.tried.includes(name));
    return (
      connector && { connector, explained: { by: 'order', able: able.map(({ name }) => name), tried: attempt.tried } }
    );
  };
}

function isAble({ isOutside, actions, assets, brands, countries }: Capabilities, attempt: Attempt): boolean {
  const { brand, country } = attempt.request.card ?? {};
  return (
    isOutside &&
    actions.includes(attempt.action) &&
    (assets?.includes(attempt.asset) ?? true) &&
    (brand === undefined || (brands?.includes(brand) ?? true)) &&
    (country === undefined || (countries?.includes(country) ?? true))
  );
}
