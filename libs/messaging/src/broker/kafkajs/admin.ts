import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Kafka } from 'kafkajs';
import type { BrokerAdmin, PartitionOffsets, TopicToCreate } from '../port.js';
import { bearingLeaderless } from './leaderless.js';

const CREATE_TIMEOUT_MS = 30_000;
const LEADER_POLL_MS = 50;
/** A broker that is named as the leader of a new partition may not know it yet. */
const BECOMES_LEADER_MS = 5_000;
/** All groups of a process ask for leaders, and share an answer. */
const LEADERS_KNOWN_MS = 4_000;

export async function openAdmin(kafka: Kafka, prefix: string): Promise<BrokerAdmin> {
  const admin = kafka.admin({ retry: { retries: 8, maxRetryTime: 2_000 } });
  try {
    await admin.connect();
  } catch (error) {
    void admin.disconnect().catch(() => undefined);
    throw error;
  }
  let looked: Promise<Map<string, number[]>> | undefined;
  let lookedAt_ms = -Infinity;
  const leaderlessNow = (): Promise<Map<string, number[]>> => {
    if (looked && performance.now() - lookedAt_ms < LEADERS_KNOWN_MS) return looked;
    lookedAt_ms = performance.now();
    looked = bearingLeaderless(() => leaderless(admin));
    looked.catch(() => (looked = undefined));
    return looked;
  };
  return {
    createTopics: (topics) =>
      createTopics(
        admin,
        topics.map((topic) => ({ ...topic, name: prefix + topic.name })),
      ),
    partitionCounts: (topics) => bearingLeaderless(() => partitionCounts(admin, topics, prefix)),
    offsets: (topic) => offsets(admin, prefix + topic),
    offsetsWhereLed: (topic) => bearingLeaderless(() => offsets(admin, prefix + topic)),
    leaderless: async (topic) => (await leaderlessNow()).get(prefix + topic) ?? [],
    // kafkajs asks for all topics of the cluster with it.
    brokers: () => bearingLeaderless(async () => (await admin.describeCluster()).brokers.length),
    coordinated: async (group) => void (await admin.describeGroups([prefix + group])),
    close: () => admin.disconnect(),
  };
}

async function createTopics(admin: Admin, topics: readonly TopicToCreate[]): Promise<void> {
  await admin.createTopics({
    timeout: CREATE_TIMEOUT_MS,
    // kafkajs's own wait gives up where a broker has not heard of the topic yet.
    waitForLeaders: false,
    topics: topics.map((topic) => ({
      topic: topic.name,
      numPartitions: topic.partitions,
      replicationFactor: topic.replicationFactor,
      configEntries: Object.entries(topic.settings).map(([name, value]) => ({ name, value })),
    })),
  });
  const names = topics.map(({ name }) => name);
  const end = performance.now() + CREATE_TIMEOUT_MS;
  while (!(await haveLeaders(admin, names))) {
    if (performance.now() > end) throw new Error(`new topics have no leaders after ${CREATE_TIMEOUT_MS} ms`);
    await delay(LEADER_POLL_MS);
  }
}

async function haveLeaders(admin: Admin, names: readonly string[]): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
    return topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0));
  } catch (error) {
    if (isOfType(error, /UNKNOWN_TOPIC_OR_PARTITION|LEADER_NOT_AVAILABLE/)) return false;
    throw error;
  }
}

async function partitionCounts(admin: Admin, topics: readonly string[], prefix: string): Promise<Map<string, number>> {
  // Metadata of an unknown topic is an error that kafkajs retries for minutes: ask for the list first.
  const existing = new Set(await admin.listTopics());
  const wanted = topics.map((topic) => prefix + topic).filter((topic) => existing.has(topic));
  if (wanted.length === 0) return new Map();
  const metadata = await admin.fetchTopicMetadata({ topics: wanted });
  return new Map(metadata.topics.map((topic) => [topic.name.slice(prefix.length), topic.partitions.length]));
}

/**
 * By topic. Asked for all topics of the cluster: what kafkajs knows of a cluster is what it was last told of it, and whoever asks for the
 * offsets of a topic at this moment would find nothing known of it.
 */
async function leaderless(admin: Admin): Promise<Map<string, number[]>> {
  const { topics } = await admin.fetchTopicMetadata();
  return new Map(
    topics.map(({ name, partitions }) => [
      name,
      partitions.filter(({ leader }) => leader < 0).map(({ partitionId }) => partitionId),
    ]),
  );
}

async function offsets(admin: Admin, topic: string): Promise<PartitionOffsets[]> {
  const end = performance.now() + BECOMES_LEADER_MS;
  for (;;) {
    try {
      const listed = await admin.fetchTopicOffsets(topic);
      return listed.map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }));
    } catch (error) {
      if (!isOfType(error, /NOT_LEADER_FOR_PARTITION|LEADER_NOT_AVAILABLE/) || performance.now() > end) throw error;
      await delay(LEADER_POLL_MS);
    }
  }
}

function isOfType(error: unknown, types: RegExp): boolean {
  return types.test(String((error as { type?: unknown } | null)?.type));
}
