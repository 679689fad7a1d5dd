import type { Consumer as KafkaConsumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { Consumer, ConsumerListener, ConsumerOptions, RecordBatch } from '../port.js';

/** Longer than the databases' idle-in-transaction time-out, so that a stopped process loses its locks before its partitions. */
const SESSION_TIMEOUT_MS = 10_000;
const HEARTBEAT_INTERVAL_MS = 2_000;
const REBALANCE_TIMEOUT_MS = 20_000;
const LONG_POLL_MS = 500;
/** About 500 to 1,000 messages: a batch of one partition becomes one or two transactions. */
const FETCH_BYTES_MAX = 1_048_576;
const GATHER_BYTES = 262_144;

export async function openConsumer(kafka: Kafka, options: ConsumerOptions, prefix: string): Promise<Consumer> {
  const consumer = kafka.consumer({
    groupId: prefix + options.group,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    allowAutoTopicCreation: false,
    maxBytesPerPartition: FETCH_BYTES_MAX,
    minBytes: options.gather_ms > 0 ? GATHER_BYTES : 1,
    maxWaitTimeInMs: options.gather_ms > 0 ? options.gather_ms : LONG_POLL_MS,
    // A brown-out of any length is waited out: restarting would only lose what is known about the partitions.
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: Number.MAX_SAFE_INTEGER },
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [prefix + options.topic], fromBeginning: true });
  return new KafkajsConsumer(consumer, options, prefix + options.topic);
}

class KafkajsConsumer implements Consumer {
  constructor(
    private readonly consumer: KafkaConsumer,
    private readonly options: ConsumerOptions,
    private readonly prefixedTopic: string,
  ) {}

  async run(listener: ConsumerListener): Promise<void> {
    this.consumer.on(this.consumer.events.GROUP_JOIN, () => listener.onJoin());
    this.consumer.on(this.consumer.events.FETCH, () => listener.onFetch());
    this.consumer.on(this.consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) listener.onCrash(payload.error);
    });
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: this.options.partitions,
      eachBatch: (payload) => deliver(payload, this.options.topic, listener),
    });
  }

  pause(partition: number): void {
    this.consumer.pause([{ topic: this.prefixedTopic, partitions: [partition] }]);
  }

  resume(partition: number): void {
    this.consumer.resume([{ topic: this.prefixedTopic, partitions: [partition] }]);
  }

  seek(partition: number, offset: number): void {
    this.consumer.seek({ topic: this.prefixedTopic, partition, offset: String(offset) });
  }

  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    const topic = this.prefixedTopic;
    await this.consumer.commitOffsets([...offsets].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })));
  }

  async stop(): Promise<void> {
    await this.consumer.disconnect();
  }
}

async function deliver(payload: EachBatchPayload, topic: string, listener: ConsumerListener): Promise<void> {
  const { batch } = payload;
  const records: RecordBatch = {
    topic,
    partition: batch.partition,
    highWatermark: Number(batch.highWatermark),
    records: batch.messages.map((message) => ({
      offset: Number(message.offset),
      key: message.key,
      value: message.value,
      headers: message.headers ?? {},
      timestamp: message.timestamp,
    })),
  };
  await listener.onBatch(records, {
    resolve: (offset) => payload.resolveOffset(String(offset)),
    heartbeat: () => payload.heartbeat(),
    isCurrent: () => payload.isRunning() && !payload.isStale(),
  });
}
