import {
  choice,
  defineConfiguration,
  duration,
  ratio,
  secret,
  serverFields,
  telemetryFields,
  text,
  url,
  type ConfigurationOf,
} from '@payflow/service';

const { HOST, PORT, LOG_LEVEL } = serverFields(3010);

/** Everything the sandbox reads from its environment. */
export const sandboxConfiguration = defineConfiguration('sandbox', {
  NODE_ENV: choice(['development', 'test'], {
    description: 'Not `production`: a simulated acquirer must never stand where money is expected to move.',
  }),
  HOST,
  PORT,
  LOG_LEVEL,
  SANDBOX_API_KEY: secret({
    default: 'payflow-development-cards-api-key',
    description: "The merchant's key: the services have it as `CARDS_API_KEY`.",
  }),
  SANDBOX_WEBHOOK_SECRET: secret({
    default: 'whsec_cGF5Zmxvdy1kZXZlbG9wbWVudC1jYXJkcy13ZWJob29r',
    description: 'Signs the webhooks, `whsec_` and base64: the services have it as `CARDS_WEBHOOK_SECRET`.',
  }),
  SANDBOX_WEBHOOK_URL: url({
    default: null,
    protocols: ['http', 'https'],
    description: 'Where webhooks go; without it nobody is told.',
  }),
  SANDBOX_PUBLIC_URL: url({
    default: null,
    protocols: ['http', 'https'],
    description: "Begins the links for the merchant's customers; the address it listens on when unset.",
  }),
  SANDBOX_JOURNAL: text({
    default: null,
    description: 'File that outlives the process; without it everything is forgotten at the end.',
  }),
  SANDBOX_CHAOS: ratio({ default: 0, description: 'Share of the operations that meet a scenario by chance.' }),
  SANDBOX_SEED: text({
    default: null,
    description: 'Decides which they are, with their idempotency keys; made up and printed when unset.',
  }),
  SANDBOX_LATENCY: duration({ min: 0, max: 60_000, default: 0, description: 'How long every request waits.' }),
  SANDBOX_SLOW: duration({ min: 0, max: 600_000, default: 5_000, description: 'How long a slow answer takes.' }),
  SANDBOX_LATE: duration({
    min: 0,
    max: 600_000,
    default: 35_000,
    description: 'When a late success succeeds: beyond the patience of the caller.',
  }),
  SANDBOX_AUTHORIZATION_VALID: duration({
    default: 7 * 86_400_000,
    description: 'How long an authorization can be captured.',
  }),
  ...telemetryFields(),
});

export type SandboxConfiguration = ConfigurationOf<typeof sandboxConfiguration>;
