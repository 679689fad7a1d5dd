import { existsSync } from 'node:fs';

/** @typedef {'durable' | 'test'} Profile */
/** @typedef {{ id: number, broker: number, controller: number }} Node  a broker's id and its two ports */

/**
 * The properties of one broker that is also a controller. The voters are static, so a port may change between starts.
 * @param {{ node: Node, nodes: readonly Node[], dataDir: string, profile: Profile,
 *   settings?: Record<string, string> | undefined }} options
 * @returns {string}
 */
export function serverProperties({ node, nodes, dataDir, profile, settings }) {
  const replicas = Math.min(3, nodes.length);
  const inSync = nodes.length >= 3 ? 2 : 1;
  const listeners = `PLAINTEXT://127.0.0.1:${node.broker},CONTROLLER://127.0.0.1:${node.controller}`;
  return asText({
    'process.roles': 'broker,controller',
    'node.id': node.id,
    'controller.quorum.voters': nodes.map((each) => `${each.id}@127.0.0.1:${each.controller}`).join(','),
    listeners,
    'advertised.listeners': listeners,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': dataDir,
    'auto.create.topics.enable': false,
    'unclean.leader.election.enable': false,
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': 8,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'transaction.state.log.num.partitions': 8,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': 0,
    // 128 MB by default, taken whole at the start.
    'log.cleaner.dedupe.buffer.size': 8_388_608,
    ...timings[profile],
    ...settings,
  });
}

/** @type {Record<Profile, Record<string, string | number>>} */
const timings = {
  // A session of two seconds lets a killed broker be back in three; on a machine at its limit it would also fence a
  // healthy one, so a demo or a benchmark gets a longer one.
  test: {
    'broker.session.timeout.ms': 2_000,
    'broker.heartbeat.interval.ms': 500,
    'group.min.session.timeout.ms': 1_000,
  },
  durable: { 'broker.session.timeout.ms': 6_000, 'broker.heartbeat.interval.ms': 1_000 },
};

/** Kafka logs to its standard output, which is the log file; INFO is a page per second and says nothing of use here. */
export function log4jProperties() {
  return asText({
    'rootLogger.level': 'warn',
    'rootLogger.appenderRefs': 'stdout',
    'rootLogger.appenderRef.stdout.ref': 'stdout',
    'appender.stdout.type': 'Console',
    'appender.stdout.name': 'stdout',
    'appender.stdout.layout.type': 'PatternLayout',
    'appender.stdout.layout.pattern': '%d{ISO8601} %p %m (%c{1})%n',
  });
}

/** @param {Record<string, string | number | boolean>} properties */
function asText(properties) {
  return `${Object.entries(properties)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`;
}

/**
 * @param {{ profile: Profile, heapMb: number, archive: string, recordClassesTo?: string | undefined }} options
 * @returns {string[]} the Java virtual machine's flags
 */
export function javaFlags({ profile, heapMb, archive, recordClassesTo }) {
  return [
    `-Xmx${heapMb}m`,
    `-Xms${Math.round(heapMb / 2)}m`,
    '-XX:+UseSerialGC',
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:-UsePerfData',
    '-Djava.awt.headless=true',
    // The first compiler tier alone starts faster; a broker that is to carry load gets both.
    ...(profile === 'test' ? ['-XX:TieredStopAtLevel=1'] : []),
    ...(existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off'] : []),
    ...(recordClassesTo === undefined ? [] : [`-XX:ArchiveClassesAtExit=${recordClassesTo}`]),
  ];
}
