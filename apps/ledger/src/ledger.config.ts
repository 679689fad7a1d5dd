import { commonFields, commonRules, defineConfiguration } from '@payflow/service';

/** Everything the ledger reads from its environment. */
export const ledgerConfiguration = {
  ...defineConfiguration('ledger', commonFields({ port: 3002, database: 'ledger', poolSize: 6 }), commonRules),
  service: 'ledger' as const,
};
