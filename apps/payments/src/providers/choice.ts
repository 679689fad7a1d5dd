import { connectorNamed, type Connector } from '@payflow/connectors';
import { route, type Records } from '../routing/route.js';
import type { Route, Traveller } from '../routing/rule.js';
import type { Attempt } from './attempt.js';

/** Which connector is to be asked, and why it and no other: kept with the attempt. */
export interface Choice {
  readonly connector: Connector;
  readonly explained: object;
}

/** Chooses among all but those that were tried; undefined where nobody is left. */
export type Choose = (attempt: Attempt) => Choice | undefined;

export interface RoutingParts {
  readonly connectors: readonly Connector[];
  /** Those of the payment's organisation, and those of all. */
  readonly routesFor: (attempt: Attempt) => readonly Route[];
  readonly records: Records;
}

/** By the routes that are in force: the first of their candidates that was not tried. */
export function byRoute({ connectors, routesFor, records }: RoutingParts): Choose {
  const outside = connectors.filter(({ capabilities }) => capabilities.isOutside);
  return (attempt) => {
    const explained = route(travellerOf(attempt), routesFor(attempt), outside, records);
    const next = explained.candidates.find((candidate) => !attempt.tried.includes(candidate.connector));
    const connector = next && connectorNamed(outside, next.connector);
    return connector && { connector, explained: { ...explained, tried: attempt.tried } };
  };
}

function travellerOf({ payment, action, asset, amount, request }: Attempt): Traveller {
  const { brand, country } = request.card ?? {};
  return {
    paymentId: payment,
    method: 'card',
    action,
    asset,
    amount: amount?.toString() ?? null,
    ...(brand ? { brand } : {}),
    ...(country ? { country } : {}),
  };
}
