import { commonFields, commonRules, defineConfiguration, url, type ConfigurationOf } from '@payflow/service';

const serviceUrl = (service: string, port: number) =>
  url({
    default: `http://127.0.0.1:${port}`,
    protocols: ['http', 'https'],
    description: `Where ${service} answers: readiness, metrics and internal endpoints.`,
  });

/** Everything monitoring reads from its environment. */
export const monitoringConfiguration = {
  ...defineConfiguration(
    'monitoring',
    {
      ...commonFields({ port: 3004, database: 'monitoring', poolSize: 4 }),
      PAYFLOW_INTERNAL_GATEWAY_URL: serviceUrl('the gateway', 3000),
      PAYFLOW_INTERNAL_PAYMENTS_URL: serviceUrl('payments', 3001),
      PAYFLOW_INTERNAL_LEDGER_URL: serviceUrl('the ledger', 3002),
      PAYFLOW_INTERNAL_ARCHIVER_URL: serviceUrl('the archiver', 3003),
    },
    commonRules,
  ),
  service: 'monitoring' as const,
};

export type MonitoringConfiguration = ConfigurationOf<typeof monitoringConfiguration>;
