import type { Fields, Values } from '@payflow/service';
import type { Capabilities, Connector, WebhookReader } from './connector.js';

/** What a folder hands to the registry: what it can do, what it reads from the environment, and how it is opened. */
export interface ConnectorDefinition<N extends string = string, F extends Fields = Fields, W extends Fields = Fields> {
  /** Lower-case snake_case. Its upper case and an underscore come before the names of all its variables. */
  readonly name: N;
  readonly capabilities: Capabilities;
  /** Variables for calling out, by the rest of their names: `URL` of `cards` is `CARDS_URL`. Read by the payments service alone. */
  readonly fields: F;
  /** Those without which the connector is not there. */
  readonly required: readonly (keyof F & string)[];
  /** Variables for reading webhooks; the gateway's too. All are optional. */
  readonly webhookFields: W;
  open(name: string, settings: Values<F>, webhooks: WebhookReader | null): Connector;
  /** Undefined where the secrets for it are not configured; `null`: this provider has none. */
  readonly webhooks: null | ((settings: Values<W>) => WebhookReader | undefined);
}

/** Keeps the types of the variables, which the services' configurations are made of. */
export function defineConnector<const N extends string, F extends Fields, W extends Fields>(
  definition: ConnectorDefinition<N, F, W>,
): ConnectorDefinition<N, F, W> {
  return definition;
}

/** The same rail once more under another name, with variables of its own: a second acquirer that speaks the same. */
export function secondOf<const N extends string, F extends Fields, W extends Fields>(
  name: N,
  definition: ConnectorDefinition<string, F, W>,
): ConnectorDefinition<N, F, W> {
  return { ...definition, name };
}
