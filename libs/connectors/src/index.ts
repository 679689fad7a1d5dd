export type * from './connector.js';
export { PROVIDER_ACTIONS } from './connector.js';
export { silence_ms } from './outbound/http-status.js';
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
