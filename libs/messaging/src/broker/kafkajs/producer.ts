import type { Kafka } from 'kafkajs';
import type { Producer, RecordToSend } from '../port.js';
import { bearingLeaderless } from './leaderless.js';

const ALL_IN_SYNC_REPLICAS = -1;

/** The outbox row says where its records go; a partitioner of the client's would be a second opinion. */
function namedPartition({ message }: { message: { partition?: number | undefined } }): number {
  if (message.partition === undefined) throw new TypeError('a record must name its partition');
  return message.partition;
}

/** Idempotent, and so no duplicate from the client's own retries. One send per partition at a time is the caller's duty (lanes). */
export async function openProducer(kafka: Kafka, prefix: string): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    allowAutoTopicCreation: false,
    createPartitioner: () => namedPartition,
    // Short: what does not get through stays in the outbox, and the relay sends it again through a new producer.
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 6 },
  });
  try {
    await bearingLeaderless(() => producer.connect());
  } catch (error) {
    void producer.disconnect().catch(() => undefined);
    throw error;
  }
  return {
    async send(topic: string, partition: number, records: readonly RecordToSend[]) {
      const messages = records.map((record) => ({ ...record, headers: { ...record.headers }, partition }));
      await bearingLeaderless(() => producer.send({ topic: prefix + topic, acks: ALL_IN_SYNC_REPLICAS, messages }));
    },
    close: () => producer.disconnect(),
  };
}
