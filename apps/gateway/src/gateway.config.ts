import { connectorWebhookFields } from '@payflow/connectors';
import {
  choice,
  commonFields,
  commonRules,
  defineConfiguration,
  duration,
  redisFields,
  tlsFields,
  tlsRule,
  url,
  type ConfigurationOf,
} from '@payflow/service';
import { edgeFields } from './http/edge/edge.config.js';
import { loadFields } from './load/load.config.js';
import { watchFields } from './watch/watch.config.js';
import { identityFields } from './identity/identity.config.js';

/** Everything the gateway reads from its environment. */
export const gatewayConfiguration = defineConfiguration(
  'gateway',
  {
    ...commonFields({ port: 3000, database: 'gateway', poolSize: 14 }),
    ...redisFields,
    ...loadFields,
    PAYFLOW_INTERNAL_HTTP_VERSION: choice(['2', '1.1'], {
      default: '2',
      description:
        'How reads are forwarded: `2` over one kept connection per service, without TLS by prior knowledge; `1.1` where what stands between them speaks nothing else.',
    }),
    PAYFLOW_INTERNAL_LEDGER_URL: url({
      default: 'http://127.0.0.1:3002',
      protocols: ['http', 'https'],
      description: "Base URL of the ledger's read API, for the reads the gateway forwards.",
    }),
    PAYFLOW_INTERNAL_PAYMENTS_URL: url({
      default: 'http://127.0.0.1:3001',
      protocols: ['http', 'https'],
      description: "Base URL of the payments service's read API, for the reads the gateway forwards.",
    }),
    PAYFLOW_INTERNAL_MONITORING_URL: url({
      default: 'http://127.0.0.1:3004',
      protocols: ['http', 'https'],
      description: "Base URL of monitoring's read API, for the reads the gateway forwards.",
    }),
    PAYFLOW_INTERNAL_READ_TIMEOUT: duration({
      default: 30_000,
      max: 30_000,
      description: 'For a forwarded read in all, with its wait for a place; then it is answered with 504.',
    }),
    ...identityFields,
    ...connectorWebhookFields,
    ...edgeFields,
    ...tlsFields,
    ...watchFields,
  },
  [...commonRules, tlsRule],
);

export type GatewayConfiguration = ConfigurationOf<typeof gatewayConfiguration>;
