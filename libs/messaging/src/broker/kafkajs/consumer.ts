import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer as KafkaConsumer, EachBatchPayload, Kafka } from 'kafkajs';
import {
  GroupInterrupted,
  type Consumer,
  type ConsumerListener,
  type ConsumerOptions,
  type RecordBatch,
} from '../port.js';
import { awaitingLeaders } from './leaderless.js';

/** Longer than the databases' idle-in-transaction time-out, so that a stopped process loses its locks before its partitions. */
const SESSION_TIMEOUT_MS = 10_000;
const HEARTBEAT_INTERVAL_MS = 2_000;
const REBALANCE_TIMEOUT_MS = 20_000;
/**
 * A group whose leader died between joining and handing out the partitions answers no member before that session has run
 * out. Who gives up earlier comes back as a new member and leaves another that is gone: a group that never settles.
 */
export const CONSUMER_REQUEST_TIMEOUT_MS = SESSION_TIMEOUT_MS + 5_000;
const LONG_POLL_MS = 500;
/** About 500 to 1,000 messages: a batch of one partition becomes one or two transactions. */
const FETCH_BYTES_MAX = 1_048_576;
const GATHER_BYTES = 524_288;

/** Connects a consumer. Throws when no broker answers or the topic does not exist; nothing is left open then. */
export async function openConsumer(kafka: Kafka, options: ConsumerOptions, prefix: string): Promise<Consumer> {
  const life = { stopping: false };
  const consumer = kafka.consumer({
    groupId: prefix + options.group,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    allowAutoTopicCreation: false,
    maxBytesPerPartition: FETCH_BYTES_MAX,
    minBytes: options.gather_ms > 0 ? GATHER_BYTES : 1,
    maxWaitTimeInMs: options.gather_ms > 0 ? options.gather_ms : LONG_POLL_MS,
    retry: {
      initialRetryTime: 100,
      maxRetryTime: 2_000,
      // After some ten seconds it joins anew: who coordinates the group is asked at a join alone, and where that broker is gone for
      // good its heartbeats would be repeated to it for ever. Sooner gains nothing: the old member's session has to run out first.
      retries: 8,
      // Else a consumer stopped while it joins would start itself again afterwards.
      restartOnFailure: async () => !life.stopping,
    },
  });
  try {
    await consumer.connect();
    await awaitingLeaders(() => consumer.subscribe({ topics: [prefix + options.topic], fromBeginning: true }));
  } catch (error) {
    void consumer.disconnect().catch(() => undefined);
    throw error;
  }
  return new KafkajsConsumer(consumer, options, prefix + options.topic, life);
}

class KafkajsConsumer implements Consumer {
  private starting: Promise<void> = Promise.resolve();
  private committing: Promise<void> | undefined;

  constructor(
    private readonly consumer: KafkaConsumer,
    private readonly options: ConsumerOptions,
    private readonly prefixedTopic: string,
    private readonly life: { stopping: boolean },
  ) {}

  async run(listener: ConsumerListener): Promise<void> {
    const { events } = this.consumer;
    this.consumer.on(events.GROUP_JOIN, ({ payload }) =>
      listener.onJoin(payload.memberAssignment[this.prefixedTopic] ?? []),
    );
    this.consumer.on(events.HEARTBEAT, () => listener.onHeartbeat());
    this.consumer.on(events.FETCH, () => listener.onFetch());
    this.consumer.on(events.CRASH, ({ payload }) => {
      if (!payload.restart) listener.onCrash(payload.error);
    });
    this.starting = awaitingLeaders(() =>
      this.consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: this.options.partitions,
        eachBatch: (payload) => deliver(payload, this.options.topic, listener),
      }),
    );
    await this.starting;
  }

  pause(partition: number): void {
    this.whileRunning(() => this.consumer.pause([{ topic: this.prefixedTopic, partitions: [partition] }]));
  }

  resume(partition: number): void {
    this.whileRunning(() => this.consumer.resume([{ topic: this.prefixedTopic, partitions: [partition] }]));
  }

  seek(partition: number, offset: number): void {
    this.whileRunning(() => this.consumer.seek({ topic: this.prefixedTopic, partition, offset: String(offset) }));
  }

  /** One at a time: kafkajs repeats a commit for seconds while the broker is away, and each would wait there. */
  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    if (this.committing) throw new Error('the last commit has not ended');
    const topic = this.prefixedTopic;
    const shown = [...offsets].map(([partition, offset]) => ({ topic, partition, offset: String(offset) }));
    this.committing = awaitingLeaders(() => this.consumer.commitOffsets(shown)).finally(() => {
      this.committing = undefined;
    });
    await this.committing;
  }

  async stop(deadline_ms: number): Promise<void> {
    this.life.stopping = true;
    // A consumer that leaves before it has joined leaves nothing: the group would wait for it until its session ends.
    const stopped = this.starting.catch(() => undefined).then(() => this.consumer.disconnect());
    await Promise.race([stopped.catch(() => undefined), delay(deadline_ms, undefined, { ref: false })]);
  }

  /** Between a crash and its restart kafkajs has no group and throws; the join that follows starts with nothing paused. */
  private whileRunning(control: () => void): void {
    try {
      control();
    } catch (error) {
      if (!/not initialized/.test((error as Error).message)) throw error;
    }
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
  let interruption: GroupInterrupted | undefined;
  await listener.onBatch(records, {
    resolve: (offset) => payload.resolveOffset(String(offset)),
    heartbeat: async () => {
      try {
        await payload.heartbeat();
      } catch (error) {
        interruption = new GroupInterrupted(error);
        throw interruption;
      }
    },
    isCurrent: () => payload.isRunning() && !payload.isStale(),
  });
  // kafkajs joins again only when it sees its own error.
  if (interruption) throw interruption.cause;
}
