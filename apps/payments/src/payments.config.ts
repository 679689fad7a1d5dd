import { commonFields, commonRules, defineConfiguration, duration } from '@payflow/service';

/** Everything the payments service reads from its environment. */
export const paymentsConfiguration = {
  ...defineConfiguration(
    'payments',
    {
      ...commonFields({ port: 3001, database: 'payments', poolSize: 8 }),
      PAYFLOW_REVIEW_ALARM: duration({
        default: 4 * 3_600_000,
        min: 60_000,
        description: 'A payment that waits longer for its review raises the alarm.',
      }),
    },
    commonRules,
  ),
  service: 'payments' as const,
};
