import type { Kafka } from 'kafkajs';
import type { Producer, RecordToSend } from '../port.js';

const ALL_IN_SYNC_REPLICAS = -1;

/** Idempotent, and so no duplicate from the client's own retries. One send per partition at a time is the caller's duty (lanes). */
export async function openProducer(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    allowAutoTopicCreation: false,
    createPartitioner: () => () => {
      throw new Error('every record names its partition');
    },
    // Short: what does not get through stays in the outbox, and the relay sends it again through a new producer.
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 6 },
  });
  await producer.connect();
  return {
    async send(topic: string, partition: number, records: readonly RecordToSend[]) {
      await producer.send({
        topic,
        acks: ALL_IN_SYNC_REPLICAS,
        messages: records.map((record) => ({ ...record, partition })),
      });
    },
    close: () => producer.disconnect(),
  };
}
