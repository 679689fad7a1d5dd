import { AsyncLocalStorage } from 'node:async_hooks';
import Pools from 'kafkajs/src/cluster/brokerPool.js';
import Clusters from 'kafkajs/src/cluster/index.js';
import MetadataRequests from 'kafkajs/src/protocol/requests/metadata/index.js';

const LEADER_NOT_AVAILABLE = 5;
const NO_LEADER = -1;
/** Those of the metadata request that kafkajs can speak. */
const VERSIONS = [0, 1, 2, 3, 4, 5, 6];

interface PartitionMetadata {
  readonly partitionErrorCode: number;
  readonly leader: number;
}

interface Metadata {
  readonly topicMetadata: readonly { readonly partitionMetadata: readonly PartitionMetadata[] }[];
}

interface Response {
  parse(data: Metadata): Promise<Metadata>;
}

const bearing = new AsyncLocalStorage<'sends' | 'reads'>();

/**
 * Work that bears partitions without a leader. kafkajs takes one such partition for a failure of the whole answer. A new producer
 * begins by asking for all topics of the cluster: one leaderless partition, of whosever topic, and nothing is sent any more. A
 * consumer asks for its own topic: nothing is read of it any more. Here it is a partition of a broker that is not there: its sends
 * alone fail, nobody fetches it, and its offsets are left out.
 */
export function bearingLeaderless<T>(work: () => Promise<T>): Promise<T> {
  return bearing.run('sends', work);
}

/** The same for who reads, and goes on asking for the leader: what is not fetched brings no error by which it would be missed. */
export function awaitingLeaders<T>(work: () => Promise<T>): Promise<T> {
  return bearing.run('reads', work);
}

const { protocol } = MetadataRequests as {
  protocol(spoken: { version: number }): (asked: { topics: readonly string[] }) => { readonly response: Response };
};
const responses = VERSIONS.map((version) => protocol({ version })({ topics: [] }).response);
for (const response of responses) {
  const { parse } = response;
  response.parse = (data) => parse(bearing.getStore() ? borne(data) : data);
}

interface AskedOffsets {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number }[];
}

interface Cluster {
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[];
  fetchTopicsOffset(topics: readonly AskedOffsets[]): Promise<readonly AskedOffsets[]>;
}

interface BrokerPool {
  /** Null once it is closed. */
  readonly metadata: Metadata | null;
  metadataExpireAt: number;
  refreshMetadata(topics: readonly string[]): Promise<void>;
}

/** A broker that comes back has no partitions at first; kafkajs would ask for their leaders again in five minutes. */
const LEADERS_ASKED_MS = 500;
const { prototype: pools } = Pools as { readonly prototype: BrokerPool };
const { refreshMetadata } = pools;
pools.refreshMetadata = async function (this: BrokerPool, topics) {
  await refreshMetadata.call(this, topics);
  const leaders = this.metadata?.topicMetadata.flatMap(({ partitionMetadata }) => partitionMetadata);
  if (bearing.getStore() === 'reads' && leaders?.some(({ leader }) => leader === NO_LEADER))
    this.metadataExpireAt = Date.now() + LEADERS_ASKED_MS;
};

const { prototype: clusters } = Clusters as { readonly prototype: Cluster };
const { fetchTopicsOffset } = clusters;
/** Offsets of the partitions that have a leader: a consumer goes without those of the others until they have one, and asks again. */
clusters.fetchTopicsOffset = async function (this: Cluster, topics) {
  if (!bearing.getStore()) return fetchTopicsOffset.call(this, topics);
  const led = topics.map((asked) => {
    const leaderless = this.findTopicPartitionMetadata(asked.topic).filter(({ leader }) => leader === NO_LEADER);
    const ids = new Set(leaderless.map(({ partitionId }) => partitionId));
    return { ...asked, partitions: asked.partitions.filter(({ partition }) => !ids.has(partition)) };
  });
  const found = await fetchTopicsOffset.call(this, led);
  // Every topic that was asked for is looked up in the answer.
  return topics.map(({ topic }) => found.find((each) => each.topic === topic) ?? { topic, partitions: [] });
};

function borne(data: Metadata): Metadata {
  const topicMetadata = data.topicMetadata.map((topic) => ({
    ...topic,
    partitionMetadata: topic.partitionMetadata.map((partition) =>
      partition.partitionErrorCode === LEADER_NOT_AVAILABLE ? { ...partition, partitionErrorCode: 0 } : partition,
    ),
  }));
  return { ...data, topicMetadata };
}
