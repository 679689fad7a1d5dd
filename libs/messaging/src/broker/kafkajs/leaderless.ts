import { AsyncLocalStorage } from 'node:async_hooks';
import { createRequire } from 'node:module';

const LEADER_NOT_AVAILABLE = 5;
/** Those of the metadata request that kafkajs can speak. */
const VERSIONS = [0, 1, 2, 3, 4, 5, 6];

interface PartitionMetadata {
  readonly partitionErrorCode: number;
}

interface Metadata {
  readonly topicMetadata: readonly { readonly partitionMetadata: readonly PartitionMetadata[] }[];
}

interface Response {
  parse(data: Metadata): Promise<Metadata>;
}

const bearing = new AsyncLocalStorage<true>();

/**
 * Work, of a producer or on how topics are made, that bears partitions without a leader. kafkajs takes one such partition for a failure of the whole answer, and a
 * new producer begins by asking for all topics of the cluster: one leaderless partition, of whosever topic, and nothing is sent any
 * more. Here it is a partition whose broker is not found, and its sends alone fail. Consumers have to go on asking for the leader.
 */
export function bearingLeaderless<T>(work: () => Promise<T>): Promise<T> {
  return bearing.run(true, work);
}

const load = createRequire(import.meta.url);
const responses = VERSIONS.map(
  (version) => load(`kafkajs/src/protocol/requests/metadata/v${version}/response`) as Response,
);
for (const response of responses) {
  const { parse } = response;
  response.parse = (data) => parse(bearing.getStore() ? borne(data) : data);
}

function borne(data: Metadata): Metadata {
  const topicMetadata = data.topicMetadata.map((topic) => ({
    ...topic,
    partitionMetadata: topic.partitionMetadata.map((partition) =>
      partition.partitionErrorCode === LEADER_NOT_AVAILABLE ? { ...partition, partitionErrorCode: 0 } : partition,
    ),
  }));
  return { ...data, topicMetadata };
}
