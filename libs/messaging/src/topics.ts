import {
  PARTITIONS,
  SUBSCRIPTIONS,
  TOPICS,
  deadLetterTopic,
  type Group,
  type Service,
  type TopicSpec,
} from '@payflow/contracts';
import type { BrokerAdmin, TopicToCreate } from './broker/port.js';
import { DEAD_LETTER_PARTITIONS } from './runner/dead-letter.js';

const DAY_MS = 86_400_000;
/** The broker drops whole segments: of a topic in which little happens one would hold a week, and its records live for two. */
const SEGMENT_MS = DAY_MS;
const DEAD_LETTER_RETENTION_MS = 30 * DAY_MS;
const REPLICATION_FACTOR_MAX = 3;
/** A whole outbox row goes in one request. */
const MESSAGE_BYTES_MAX = 1_048_576;

/** The topics of the topology, and a dead-letter topic per reader, for a cluster of so many brokers. */
export function topicsToCreate(profile: keyof typeof PARTITIONS, brokers: number): TopicToCreate[] {
  const replicationFactor = Math.min(brokers, REPLICATION_FACTOR_MAX);
  const settings = (retention_ms: number) => ({
    'cleanup.policy': 'delete',
    'retention.ms': String(retention_ms),
    'segment.ms': String(SEGMENT_MS),
    'min.insync.replicas': String(Math.max(1, replicationFactor - 1)),
    'max.message.bytes': String(MESSAGE_BYTES_MAX),
  });
  const own = Object.entries<TopicSpec>(TOPICS).map(([name, spec]) => ({
    name,
    partitions: PARTITIONS[profile],
    replicationFactor,
    settings: settings(spec.retention_ms),
  }));
  const dead = (Object.keys(SUBSCRIPTIONS) as Group[]).map((group) => ({
    name: deadLetterTopic(group),
    partitions: DEAD_LETTER_PARTITIONS,
    replicationFactor,
    settings: settings(DEAD_LETTER_RETENTION_MS),
  }));
  return [...own, ...dead];
}

/** What is wrong with the broker's topics for this topology, or for one service of it, as sentences; empty when all is well. */
export async function verifyTopics(
  admin: BrokerAdmin,
  profile: keyof typeof PARTITIONS,
  service?: Service,
): Promise<string[]> {
  const used = service && topicsOf(service);
  const wanted = topicsToCreate(profile, 1).filter(({ name }) => used?.has(name) ?? true);
  const counts = await admin.partitionCounts(wanted.map(({ name }) => name));
  return wanted.flatMap(({ name, partitions }) => {
    const found = counts.get(name);
    if (found === undefined) return [`topic ${name} does not exist`];
    return found === partitions ? [] : [`topic ${name} has ${found} partitions, the topology says ${partitions}`];
  });
}

/** Those that a service publishes to or reads; it may not see any other. */
function topicsOf(service: Service): Set<string> {
  const groups = (Object.keys(SUBSCRIPTIONS) as Group[]).filter((group) => SUBSCRIPTIONS[group].service === service);
  const published = Object.entries<TopicSpec>(TOPICS).filter(([, { publishers }]) => publishers.includes(service));
  return new Set([
    ...published.map(([name]) => name),
    ...groups.flatMap((group) => [SUBSCRIPTIONS[group].topic, deadLetterTopic(group)]),
  ]);
}
