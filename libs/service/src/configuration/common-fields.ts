import { PARTITIONS } from '@payflow/contracts';
import { parseReplicaUrl } from '@payflow/database';
import { SCHEMA_AHEAD } from '../refuse-schema.js';
import { START_UP_ORDERS } from '../start-up.js';
import type { Rule } from './configuration.js';
import type { Values } from './field.js';
import { boolean, choice, credential, hosts, integer, secret, text, url, urls } from './kinds.js';
import { serverFields, telemetryFields } from './process-fields.js';

/** Variables of every service. `defaults.port`: the service's own; `defaults.database`: the database of the local stack. */
export function commonFields(defaults: {
  readonly port: number;
  readonly database: string;
  readonly poolSize?: number;
}) {
  const server = serverFields(defaults.port);
  return {
    NODE_ENV: choice(['production', 'development', 'test'], {
      default: 'production',
      description: 'What the process is for. Outside production the secrets have defaults.',
    }),
    HOST: server.HOST,
    PORT: server.PORT,
    PAYFLOW_START_UP: choice(START_UP_ORDERS, {
      default: 'parallel',
      description:
        'Whether the parts of a service start side by side, or each after the one before and all of them before it is ready (`one_by_one`, to find out what takes the time; it then waits for Kafka).',
    }),
    LOG_LEVEL: server.LOG_LEVEL,
    ...databaseFields(defaults.database, defaults.poolSize ?? 8),
    ...kafkaFields(),
    ...telemetryFields(),
    PAYFLOW_INTERNAL_SECRET: secret({
      default: 'payflow-development-internal-secret',
      description: 'Key of the tokens with which the gateway forwards reads; the same in all services.',
    }),
  };
}

/** Variables of a service that uses Redis, beside {@link commonFields}. */
export const redisFields = {
  REDIS_URL: url({
    default: 'redis://127.0.0.1:6379',
    protocols: ['redis', 'rediss'],
    description: 'Redis: caches and wake-ups, nothing that money depends on. `rediss` for TLS.',
  }),
  REDIS_POOL_SIZE: integer({
    min: 1,
    max: 64,
    default: 2,
    description: 'Connections to Redis for commands; a subscription and what must be told have three more.',
  }),
};

function databaseFields(database: string, poolSize: number) {
  return {
    DATABASE_URL: url({
      default: `postgres://payflow_${database}@127.0.0.1:5432/payflow_${database}`,
      inProduction: 'required',
      protocols: ['postgres', 'postgresql'],
      description: "The service's own PostgreSQL database, as its own role. `?sslmode=verify-full` for TLS.",
    }),
    DATABASE_POOL_SIZE: integer({
      min: 2,
      max: 200,
      default: poolSize,
      description: 'Connections this process keeps, divided among requests, consumers, the way out and reports.',
    }),
    DATABASE_REPLICA_URLS: urls({
      default: null,
      protocols: ['postgres', 'postgresql'],
      check: weightProblem,
      description:
        'Streaming replicas of the database, as the same role, separated by commas; `?weight=2` for one that takes twice the reads. Lists and reports are read from those that lack nothing.',
    }),
    DATABASE_REPLICA_POOL_SIZE: integer({
      min: 1,
      max: 200,
      default: 4,
      description: 'Connections this process may hold to each replica, beside one to watch it.',
    }),
    DATABASE_MAX_OVERFLOW: integer({
      min: 0,
      max: 200,
      default: 4,
      description: 'Connections beyond `DATABASE_POOL_SIZE` that are lent, for a while, to whichever of them waits.',
    }),
    DATABASE_SCHEMA_AHEAD: choice(SCHEMA_AHEAD, {
      default: 'refuse',
      description:
        'Whether the service starts on a schema of a later version. `accept` during a roll-out, or after a way back from that version.',
    }),
    SLOW_QUERY_MS: integer({
      min: 1,
      max: 60_000,
      default: 100,
      description: 'Statements that take so long, in milliseconds, are logged with their plan; from 1 s on as errors.',
    }),
  };
}

function weightProblem(url: string): string | undefined {
  try {
    parseReplicaUrl(url);
    return undefined;
  } catch {
    return 'must have a weight from 1 to 100 where it has one';
  }
}

function kafkaFields() {
  return {
    KAFKA_BROKERS: hosts({ default: ['127.0.0.1:9092'], description: 'Brokers to begin with.' }),
    KAFKA_SSL: boolean({ default: false, description: 'TLS to the brokers.' }),
    KAFKA_SASL_MECHANISM: choice(['plain', 'scram-sha-256', 'scram-sha-512'], {
      default: null,
      description: 'SASL, with the two variables below.',
    }),
    KAFKA_SASL_USERNAME: text({ default: null, description: 'SASL user.' }),
    KAFKA_SASL_PASSWORD: credential({ default: null, description: 'SASL password.' }),
    KAFKA_CLIENT_ID: text({
      default: null,
      pattern: /^[A-Za-z0-9._-]{1,100}$/,
      form: 'letters, digits, dots, dashes and underscores',
      description: "Name in the brokers' logs and quotas; the service's name when unset.",
    }),
    KAFKA_PREFIX: text({
      default: null,
      pattern: /^[A-Za-z0-9._-]{1,50}$/,
      form: 'letters, digits, dots, dashes and underscores',
      description: 'Put before every topic and group, so that several installations can share a cluster.',
    }),
    PAYFLOW_PARTITIONS: choice(Object.keys(PARTITIONS) as (keyof typeof PARTITIONS)[], {
      default: 'single',
      description: 'Partitions per topic: as for a `single` machine or a `cluster`; the same in all services.',
    }),
  };
}

/** A mechanism needs its user and password, and they need it. */
const saslIsWhole: Rule = (values) => {
  const given = ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'].filter(
    (name) => values[name] !== undefined,
  );
  return given.length === 0 || given.length === 3
    ? undefined
    : 'KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD must be set together';
};

export const commonRules: readonly Rule[] = [saslIsWhole];

export type CommonConfiguration = Values<ReturnType<typeof commonFields>>;
