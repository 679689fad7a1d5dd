import { connectorFields } from '@payflow/connectors';
import { commonFields, commonRules, defineConfiguration } from '@payflow/service';
import { providerFields, providerRules } from './providers/providers.config.js';

/** Everything the payments service reads from its environment. */
export const paymentsConfiguration = {
  ...defineConfiguration(
    'payments',
    { ...commonFields({ port: 3001, database: 'payments', poolSize: 10 }), ...connectorFields, ...providerFields },
    [...commonRules, ...providerRules],
  ),
  service: 'payments' as const,
};
