import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { runLogged } from '../commands.mjs';
import { runDirFor } from '../provision.mjs';
import { startServer } from '../server.mjs';
import { javaFlags, log4jProperties, serverProperties } from './config.mjs';
import { liveBrokers } from './wire.mjs';

/**
 * @typedef {object} BrokerOptions
 * @property {import('./install.mjs').KafkaInstall} install
 * @property {string} dir
 * @property {{ broker: number, controller: number }} ports
 * @property {import('./config.mjs').Profile} profile
 * @property {import('./config.mjs').Node[]} [nodes]  all nodes of the cluster; this one alone by default
 * @property {number} [id]
 * @property {string} [clusterId]
 * @property {number} [heapMb]
 * @property {number} [graceMs]
 * @property {string} [runDir]
 * @property {string} [logFile]
 * @property {number} [peers]  ready once this many brokers are in service
 * @property {string} [recordClassesTo]
 * @property {Record<string, string>} [settings]  added to the profile's, or in their place
 * @property {readonly { mechanism: string, user: string, password: string }[]} [scram]  users it knows from its first start on
 */

/**
 * By their names in the folder that Java runs in: in a list a comma would end its path, a file of properties is read as Latin-1,
 * and Log4j takes a path for an address.
 */
const names = { data: 'data', properties: 'server.properties', log4j: 'log4j2.properties' };
/** Elsewhere Java reads a path with other letters than ASCII as the locale has it, and finds nothing there. */
const environment = () => ({ ...process.env, LC_ALL: 'C.UTF-8' });

/**
 * Formats the data folder if it is new, starts the broker, and waits until it is in service.
 * @param {BrokerOptions} options
 * @returns {Promise<import('../server.mjs').Server>}
 */
export async function runBroker(options) {
  const { install, dir, ports, profile, id = 1, peers = 1, heapMb = 512, scram = [] } = options;
  const name = options.nodes === undefined ? 'kafka' : `kafka-${id}`;
  const logFile = options.logFile ?? join(dir, `${name}.log`);
  writeConfiguration(options, id);
  if (!existsSync(join(dir, names.data, 'meta.properties')))
    await format({ install, dir, logFile, scram, clusterId: options.clusterId ?? newClusterId() });
  return startServer({
    part: 'Kafka',
    name,
    command: install.java,
    args: [
      ...javaFlags({ profile, heapMb, archive: install.archive, recordClassesTo: options.recordClassesTo }),
      `-Dlog4j2.configurationFile=${names.log4j}`,
      '-cp',
      install.classpath,
      'kafka.Kafka',
      names.properties,
    ],
    cwd: dir,
    env: environment(),
    url: `127.0.0.1:${ports.broker}`,
    ports: { ...ports },
    logFile,
    runDir: options.runDir ?? runDirFor(dir),
    ready: async () => isReady(await liveBrokers(ports.broker), id, peers),
    readyWithinMs: 60_000,
    graceMs: options.graceMs ?? 10_000,
    mend: 'npm run reset, then start again, if the log says that the data folder is damaged',
  });
}

/** @param {number[]} live @param {number} id @param {number} peers */
function isReady(live, id, peers) {
  return live.includes(id) && live.length >= peers;
}

/** @param {BrokerOptions} options @param {number} id */
function writeConfiguration({ dir, ports, profile, nodes, settings }, id) {
  const node = { id, ...ports };
  mkdirSync(join(dir, names.data), { recursive: true });
  const properties = serverProperties({ node, nodes: nodes ?? [node], dataDir: names.data, profile, settings });
  writeFileSync(join(dir, names.properties), properties);
  writeFileSync(join(dir, names.log4j), log4jProperties());
}

/**
 * @param {{ install: import('./install.mjs').KafkaInstall, dir: string, logFile: string, clusterId: string,
 *   scram: NonNullable<BrokerOptions['scram']> }} options
 */
function format({ install, dir, logFile, clusterId, scram }) {
  return runLogged({
    part: 'Kafka',
    command: install.java,
    args: [
      ...javaFlags({ profile: 'test', heapMb: 128, archive: install.archive }),
      `-Dlog4j2.configurationFile=${names.log4j}`,
      '-cp',
      install.classpath,
      'kafka.tools.StorageTool',
      'format',
      '--cluster-id',
      clusterId,
      '--config',
      names.properties,
      ...scram.flatMap(({ mechanism, user, password }) => [
        '--add-scram',
        `${mechanism}=[name=${user},password=${password}]`,
      ]),
    ],
    cwd: dir,
    env: environment(),
    logFile,
  });
}

/** 16 bytes in URL-safe base 64, as Kafka writes its ids; a leading dash would read as an option. */
export function newClusterId() {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) return id;
  }
}
