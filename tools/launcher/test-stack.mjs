import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { logOf } from './checkout.mjs';
import { cachedJaeger, startJaeger, startKafka, startPostgres, startRedis } from './local-stack.mjs';

/** Three houses hold up to 64 each, and the specs that watch them a few more. */
const CONNECTIONS = 260;

/**
 * The servers of one test run, on free ports, with everything they own under `dir`.
 * @param {string} dir
 * @returns {Promise<Record<string, string>>} what the tests are told about them
 */
export async function startTestStack(dir) {
  const profile = 'test';
  mkdirSync(dir, { recursive: true });
  const place = (/** @type {string} */ name) => ({
    dir: join(dir, name),
    runDir: join(dir, 'run'),
    logFile: logOf(`test-${name}`),
  });
  const [kafka, postgres, redis, jaeger] = await Promise.all([
    startKafka({ ...place('kafka'), profile }),
    startPostgres({ ...place('postgres'), profile, settings: { max_connections: CONNECTIONS } }),
    startRedis({ ...place('redis'), profile }),
    cachedJaeger() === null ? null : startJaeger(place('jaeger')),
  ]);
  return {
    PAYFLOW_TEST_KAFKA_BROKERS: kafka.url,
    PAYFLOW_TEST_POSTGRES_URL: postgres.url,
    PAYFLOW_TEST_REDIS_URL: redis.url,
    ...(jaeger === null
      ? {}
      : {
          PAYFLOW_TEST_JAEGER_UI_URL: jaeger.url,
          PAYFLOW_TEST_OTLP_ENDPOINT: `http://127.0.0.1:${jaeger.ports['otlpHttp']}`,
        }),
  };
}
