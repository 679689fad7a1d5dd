export type * from './connector.js';
export { PROVIDER_ACTIONS } from './connector.js';
export {
  CONNECTORS,
  capabilitiesOf,
  connectorFields,
  connectorNamed,
  connectorsOf,
  connectorWebhookFields,
  webhookReadersOf,
  type ConnectorsConfiguration,
  type ConnectorWebhooksConfiguration,
} from './registry.js';
export { unsupported, type Demand, type Unsupported } from './supported.js';
