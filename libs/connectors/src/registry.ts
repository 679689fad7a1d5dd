import type { Field, Fields, Values } from '@payflow/service';
import { logger } from '@payflow/telemetry';
import { cards } from './cards/index.js';
import type { Capabilities, Connector, WebhookReader } from './connector.js';
import { secondOf, type ConnectorDefinition, type Settings } from './definition.js';
import { internal } from './internal/index.js';

/** Every connector there is, in the order in which they are tried where no route says otherwise. A new rail is one line here. */
export const CONNECTORS = [
  internal, // from wallet to wallet
  cards, // an acquirer's API
  secondOf('cards_b', cards), // the same API under a second contract
] as const;

type Definitions = (typeof CONNECTORS)[number];

type Prefixed<N extends string, F extends Fields> = {
  readonly [K in keyof F & string as `${Uppercase<N>}_${K}`]: F[K];
};
type Intersection<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void ? I : never;
type CallFieldsOf<D> = D extends { readonly name: infer N extends string; readonly fields: infer F extends Fields }
  ? Prefixed<N, F>
  : never;
type WebhookFieldsOf<D> = D extends {
  readonly name: infer N extends string;
  readonly webhookFields: infer W extends Fields;
}
  ? Prefixed<N, W>
  : never;

export type ConnectorFields = Intersection<CallFieldsOf<Definitions>>;
export type ConnectorWebhookFields = Intersection<WebhookFieldsOf<Definitions>>;

/** The variables that connectors call out with, for the payments service. */
export const connectorFields = merged((definition) => definition.fields) as ConnectorFields;
/** The variables that webhooks are read with, for the gateway: the keys to the providers are not for who faces the internet. */
export const connectorWebhookFields = merged((definition) => definition.webhookFields) as ConnectorWebhookFields;

export type ConnectorsConfiguration = Values<ConnectorFields>;
export type ConnectorWebhooksConfiguration = Values<ConnectorWebhookFields>;

const log = logger('connectors');

/** Opens every connector that is configured, in the order of the registry. One without its secrets is absent, and said once to be. */
export function connectorsOf(
  config: ConnectorsConfiguration & Partial<ConnectorWebhooksConfiguration>,
): readonly Connector[] {
  return definitions().flatMap((definition) => {
    const { name, fields, required } = definition;
    const settings: Values<Fields> = settingsOf(config, name, fields);
    const missing = required.filter((field) => settings[field] === undefined).map((field) => variable(name, field));
    if (missing.length === 0)
      return [definition.open(name, settings as Settings<Fields, string>, readerOf(definition, config) ?? null)];
    log.info({ connector: name, missing }, 'a connector is not configured, and not there');
    return [];
  });
}

/** The connector of a name; undefined where it does not exist, or is not configured. */
export function connectorNamed(connectors: readonly Connector[], name: string): Connector | undefined {
  return connectors.find((connector) => connector.name === name);
}

/** Readers of the webhooks of every provider whose secret is configured, by the connector's name. */
export function webhookReadersOf(config: ConnectorWebhooksConfiguration): ReadonlyMap<string, WebhookReader> {
  return new Map(
    definitions().flatMap((definition): [string, WebhookReader][] => {
      const reader = readerOf(definition, config);
      return reader ? [[definition.name, reader]] : [];
    }),
  );
}

/** What the connector of a name can do, whether it is configured or not; undefined where there is none. */
export function capabilitiesOf(name: string): Capabilities | undefined {
  return definitions().find((definition) => definition.name === name)?.capabilities;
}

function readerOf(definition: ConnectorDefinition, config: object): WebhookReader | undefined {
  return definition.webhooks?.(settingsOf(config, definition.name, definition.webhookFields));
}

/** The list as what all its members have in common: each folder's own types end at its door. */
function definitions(): readonly ConnectorDefinition[] {
  return CONNECTORS as unknown as readonly ConnectorDefinition[];
}

function merged(fieldsOf: (definition: ConnectorDefinition) => Fields): unknown {
  return Object.fromEntries(
    definitions().flatMap((definition) =>
      Object.entries(fieldsOf(definition)).map(([field, declared]): [string, Field<unknown>] => [
        variable(definition.name, field),
        declared,
      ]),
    ),
  );
}

function settingsOf(config: object, name: string, fields: Fields): Values<Fields> {
  const values = config as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.keys(fields).map((field) => [field, values[variable(name, field)]]));
}

function variable(name: string, field: string): string {
  return `${name.toUpperCase()}_${field}`;
}
