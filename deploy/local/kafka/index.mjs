import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePorts } from '../ports.mjs';
import { defaultRoot } from '../provision.mjs';
import { newClusterId, runBroker } from './broker.mjs';
import { ensureKafka } from './install.mjs';

export { ensureKafka, findJava, kafkaVersion, recordKafkaClasses } from './install.mjs';

/**
 * @typedef {object} StartOptions
 * @property {string} dir  this server's own folder; started again on it, the server has its data back
 * @property {string} [root]  where downloads are; the checkout's `.payflow` by default
 * @property {'durable' | 'test'} [profile]  'durable' (default) keeps every safety on; 'test' trades them for speed
 * @property {string} [runDir]  where the pid record is written; see `runDirFor`
 * @property {string} [logFile]
 */

/**
 * One Kafka broker (KRaft, no ZooKeeper), provisioned first if need be. `url` is its bootstrap address.
 * @param {StartOptions & { ports?: { broker: number, controller: number }, heapMb?: number,
 *   settings?: Record<string, string>, scram?: NonNullable<import('./broker.mjs').BrokerOptions['scram']> }} options  free ports by default
 * @returns {Promise<import('../server.mjs').Server>}
 */
export async function startKafka({ root = defaultRoot, profile = 'durable', ports, ...rest }) {
  const install = await ensureKafka({ root });
  return runBroker({ install, profile, ports: ports ?? (await freeKafkaPorts()), ...rest });
}

async function freeKafkaPorts() {
  const [broker = 0, controller = 0] = await freePorts(2);
  return { broker, controller };
}

/**
 * A cluster whose brokers can be killed and started one by one. Replication 3, `min.insync.replicas` 2 from three
 * brokers on.
 * @typedef {object} KafkaCluster
 * @property {string} url  all bootstrap addresses, comma-separated
 * @property {readonly number[]} ids
 * @property {(id: number) => import('../server.mjs').Server} broker  the broker's current process, running or not
 * @property {(id: number) => Promise<import('../server.mjs').Server>} restart  on its old ports and data
 * @property {() => Promise<void>} stop
 * @property {() => Promise<void>} kill
 */

// A page of topics and a few clients per broker: 160 MB resident each.
const clusterHeapMb = 384;
// The last broker to stop looks for a peer to hand its partitions to, and would look for five seconds.
const clusterGraceMs = 2_000;

/**
 * @param {StartOptions & { brokers?: number }} options
 * @returns {Promise<KafkaCluster>}
 */
export async function startKafkaCluster({ root = defaultRoot, profile = 'durable', dir, brokers = 3, runDir }) {
  const install = await ensureKafka({ root });
  const ports = await freePorts(brokers * 2);
  const nodes = Array.from({ length: brokers }, (_, index) => ({
    id: index + 1,
    broker: ports[index * 2] ?? 0,
    controller: ports[index * 2 + 1] ?? 0,
  }));
  const clusterId = existingClusterId(join(dir, '1')) ?? newClusterId();
  const run = (/** @type {import('./config.mjs').Node} */ node, /** @type {number} */ peers) =>
    runBroker({
      install,
      profile,
      nodes,
      clusterId,
      peers,
      id: node.id,
      dir: join(dir, String(node.id)),
      ports: { broker: node.broker, controller: node.controller },
      heapMb: clusterHeapMb,
      graceMs: clusterGraceMs,
      ...(runDir === undefined ? {} : { runDir }),
    });

  /** @type {Map<number, import('../server.mjs').Server>} */
  const running = new Map();
  const started = await Promise.allSettled(nodes.map(async (node) => running.set(node.id, await run(node, brokers))));
  const everyone = (/** @type {'stop' | 'kill'} */ how) =>
    Promise.all([...running.values()].map((server) => server[how]())).then(() => undefined);
  const failed = started.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await everyone('kill');
    throw failed.reason;
  }
  return {
    url: nodes.map((node) => `127.0.0.1:${node.broker}`).join(','),
    ids: nodes.map((node) => node.id),
    broker: (id) => present(running.get(id), id),
    restart: async (id) => {
      await present(running.get(id), id).exited;
      const server = await run(
        present(
          nodes.find((node) => node.id === id),
          id,
        ),
        1,
      );
      running.set(id, server);
      return server;
    },
    stop: () => everyone('stop'),
    kill: () => everyone('kill'),
  };
}

/** @template T @param {T | undefined} value @param {number} id @returns {T} */
function present(value, id) {
  if (value === undefined) throw new Error(`no broker ${id} in this cluster`);
  return value;
}

/** @param {string} dir @returns {string | undefined} */
function existingClusterId(dir) {
  try {
    return /^cluster\.id=(.+)$/m.exec(readFileSync(join(dir, 'data', 'meta.properties'), 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
