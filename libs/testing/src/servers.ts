import type { BrokerOptions } from '@payflow/messaging';

export interface TestServers {
  /** `host:port` of each broker. */
  readonly kafka: readonly string[];
  /** Superuser URL. */
  readonly postgres: string;
  readonly redis: string;
}

/** The servers that `npm test` started for this run. Throws, naming the command, when there are none. */
export function testServers(env: NodeJS.ProcessEnv = process.env): TestServers {
  const wanted = (name: string): string => {
    const value = env[name];
    if (!value) throw new Error(`${name} is not set: run the tests with \`npm test\``);
    return value;
  };
  return {
    kafka: wanted('PAYFLOW_TEST_KAFKA_BROKERS').split(','),
    postgres: wanted('PAYFLOW_TEST_POSTGRES_URL'),
    redis: wanted('PAYFLOW_TEST_REDIS_URL'),
  };
}

/** The test broker, with topics and groups of the spec file's own: no spec reads another's records. */
export function testBroker(prefix: string): BrokerOptions {
  return { brokers: testServers().kafka, clientId: prefix, prefix: `${prefix}.` };
}
