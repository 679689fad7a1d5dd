import { connectorFields } from '@payflow/connectors';
import { commonFields, commonRules, defineConfiguration } from '@payflow/service';

/** Everything the payments service reads from its environment. */
export const paymentsConfiguration = {
  ...defineConfiguration(
    'payments',
    { ...commonFields({ port: 3001, database: 'payments', poolSize: 8 }), ...connectorFields },
    commonRules,
  ),
  service: 'payments' as const,
};
