import { join } from 'node:path';

import { logOf, paths } from './checkout.mjs';
import {
  PartFailure,
  canConnect,
  ensureKafka,
  ensurePostgres,
  ensureRedis,
  startKafka,
  startPostgres,
  startRedis,
} from './local-stack.mjs';
import { withRow } from './progress.mjs';
import { redisUsers } from './services.mjs';

/**
 * One of the servers the services need: a URL in the environment names somebody else's; without one it is ours.
 * @typedef {object} Infrastructure
 * @property {string} part
 * @property {'KAFKA_BROKERS' | 'POSTGRES_URL' | 'REDIS_URL'} variable
 * @property {number} usualPort  where a URL names none
 * @property {(onProgress: (message: string) => void) => Promise<string>} ensure  answers with what was found or brought
 * @property {(ports: Ports) => Promise<import('./local-stack.mjs').Server>} start
 */

/** @typedef {Record<import('./local-stack.mjs').PortName, number>} Ports */

/** @type {Infrastructure} */
export const kafka = {
  part: 'Kafka',
  variable: 'KAFKA_BROKERS',
  usualPort: 9092,
  ensure: async (onProgress) => (await ensureKafka({ onProgress })).version,
  start: ({ kafka: broker, kafkaController: controller }) =>
    startKafka({ ...placeOf('kafka'), ports: { broker, controller } }),
};

/** @type {Infrastructure} */
export const postgres = {
  part: 'PostgreSQL',
  variable: 'POSTGRES_URL',
  usualPort: 5432,
  ensure: async (onProgress) => (await ensurePostgres({ onProgress })).version.replace(/-.*/, ''),
  start: ({ postgres: port }) => startPostgres({ ...placeOf('postgres'), port }),
};

/** @type {Infrastructure} */
export const redis = {
  part: 'Redis',
  variable: 'REDIS_URL',
  usualPort: 6379,
  ensure: async (onProgress) => (await ensureRedis({ onProgress })).version,
  start: ({ redis: port }) => startRedis({ ...placeOf('redis'), port, users: redisUsers() }),
};

/** @param {string} name */
function placeOf(name) {
  return { dir: join(paths.state, name), runDir: paths.run, logFile: logOf(name) };
}

/**
 * Brings one of them, and answers with the address the services are to use.
 * @param {Infrastructure} infrastructure
 * @param {import('./launch.mjs').Launch} launch
 * @param {Promise<unknown>} [after]  what has to be there first
 * @returns {Promise<string>}
 */
export async function bring(infrastructure, launch, after) {
  const row = launch.progress.row(infrastructure.part);
  const given = process.env[infrastructure.variable];
  return withRow(row, async () => {
    if (given !== undefined && given !== '') {
      await reach(infrastructure, given);
      row.done(`yours, from ${infrastructure.variable}`);
      return given;
    }
    row.working(after === undefined ? 'looking' : 'waiting for the packages');
    await after;
    const version = await infrastructure.ensure((message) => {
      launch.becameCold();
      row.working(message);
    });
    row.working(`${version}, starting`);
    const start = () => infrastructure.start(launch.ports);
    const server = await start();
    launch.supervise(infrastructure.part, server, start);
    row.done(`${version} on port ${Object.values(server.ports)[0]}`);
    return server.url;
  });
}

/** @param {Infrastructure} infrastructure @param {string} given */
async function reach({ part, variable, usualPort }, given) {
  for (const address of given.split(',')) {
    const { hostname, port } = addressOf(part, variable, address.trim());
    if (await canConnect(hostname, Number(port || usualPort))) return;
  }
  throw new PartFailure(part, `nobody answers at the address in ${variable}`, {
    mend: `correct ${variable}, or unset it to have one started here`,
  });
}

/** @param {string} part @param {string} variable @param {string} address @returns {URL} */
function addressOf(part, variable, address) {
  try {
    return new URL(address.includes('://') ? address : `tcp://${address}`);
  } catch {
    throw new PartFailure(part, `${variable} is not an address`, { mend: `correct ${variable}, or unset it` });
  }
}

/** @returns {PartFailure | null} what `--services-only` lacks */
export function missingAddresses() {
  const missing = [kafka, postgres, redis].map(({ variable }) => variable).filter((variable) => !process.env[variable]);
  if (missing.length === 0) return null;
  return new PartFailure(
    '--services-only',
    `starts no servers, and ${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} not set`,
    {
      mend: 'KAFKA_BROKERS=host:9092 POSTGRES_URL=postgres://admin:password@host:5432/postgres REDIS_URL=redis://host:6379 npm start -- --services-only',
    },
  );
}
