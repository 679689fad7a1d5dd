import { commonFields, commonRules, defineConfiguration, secret } from '@payflow/service';

/** Everything the ledger reads from its environment. */
export const ledgerConfiguration = {
  ...defineConfiguration(
    'ledger',
    {
      ...commonFields({ port: 3002, database: 'ledger', poolSize: 10 }),
      PAYFLOW_LEDGER_SIGNING_KEY: secret({
        default: 'payflow-development-ledger-signing-key',
        description:
          'What the Ed25519 key is made of under which the heads of the history are signed. A new value is a new key; heads keep theirs.',
      }),
    },
    commonRules,
  ),
  service: 'ledger' as const,
};
