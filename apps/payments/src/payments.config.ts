import { connectorFields } from '@payflow/connectors';
import { commonFields, commonRules, defineConfiguration, duration } from '@payflow/service';
import { providerFields, providerRules } from './providers/providers.config.js';

/** Everything the payments service reads from its environment. */
export const paymentsConfiguration = {
  ...defineConfiguration(
    'payments',
    {
      ...commonFields({ port: 3001, database: 'payments', poolSize: 10 }),
      ...connectorFields,
      ...providerFields,
      PAYFLOW_REVIEW_ALARM: duration({
        default: 4 * 3_600_000,
        min: 60_000,
        description: 'A payment that waits longer for its review raises the alarm.',
      }),
    },
    [...commonRules, ...providerRules],
  ),
  service: 'payments' as const,
};
