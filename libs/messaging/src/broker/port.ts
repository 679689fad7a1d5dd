/** What PayFlow needs of a Kafka client. `broker/kafkajs` is the one place that knows which client it is. */

/** A record as it stands in the log. Offsets are below 2^53, so a number holds them exactly. */
export interface RawRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | string | (Buffer | string)[] | undefined>>;
  readonly timestamp: string;
}

export interface RecordBatch {
  readonly topic: string;
  readonly partition: number;
  /** The offset after the partition's last record. */
  readonly highWatermark: number;
  readonly records: readonly RawRecord[];
}

export interface RecordToSend {
  readonly key: string | Buffer | null;
  readonly value: string | Buffer | null;
  readonly headers: Readonly<Record<string, string | Buffer>>;
}

export interface Producer {
  /** Sends records to ONE partition and resolves when all in-sync replicas have them. After a throw the producer must be discarded. */
  send(topic: string, partition: number, records: readonly RecordToSend[]): Promise<void>;
  close(): Promise<void>;
}

/** Control over the partition whose batch is being handled, and over the group's position. */
export interface Consumer {
  /** Starts delivery: one batch per partition at a time, partitions concurrently. */
  run(listener: ConsumerListener): Promise<void>;
  pause(partition: number): void;
  resume(partition: number): void;
  /** The next fetch of the partition starts at the offset. */
  seek(partition: number, offset: number): void;
  /** Publishes positions to the broker, for display and lag alone. */
  commit(offsets: ReadonlyMap<number, number>): Promise<void>;
  /** Waits for the batches at work and leaves the group; gives up waiting at the deadline. */
  stop(deadline_ms: number): Promise<void>;
}

/** The group is rebalancing, or the way to the broker broke, while a batch was at work: stop, and let it through. */
export class GroupInterrupted extends Error {
  constructor(cause: unknown) {
    super('the consumer group was interrupted', { cause });
  }
}

export interface BatchControl {
  /** Everything up to the offset is done: the next fetch starts after it. */
  resolve(offset: number): void;
  /** Throws {@link GroupInterrupted} when this process may have lost its partitions. */
  heartbeat(): Promise<void>;
  /** False once the consumer stops or the partition has been sought elsewhere. */
  isCurrent(): boolean;
}

export interface ConsumerListener {
  onBatch(batch: RecordBatch, control: BatchControl): Promise<void>;
  /** The group has (re)joined with these partitions; called synchronously, before any batch of the new generation. */
  onJoin(partitions: readonly number[]): void;
  /** The broker has just confirmed that this process is a member. */
  onHeartbeat(): void;
  /** The consumer gave up for good; nothing is delivered any more. */
  onCrash(error: Error): void;
  /** The consumer spoke to the broker: a fetch came back, with or without records. */
  onFetch(): void;
}

export interface ConsumerOptions {
  readonly topic: string;
  readonly group: string;
  /** The broker may wait so long to gather a larger answer, ms; 0 answers as soon as there is a record. */
  readonly gather_ms: number;
  readonly partitions: number;
}

export interface TopicToCreate {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly settings: Readonly<Record<string, string>>;
}

export interface PartitionOffsets {
  readonly partition: number;
  /** Offset of the oldest record still kept. */
  readonly low: number;
  /** Offset after the newest. */
  readonly high: number;
}

export interface BrokerAdmin {
  createTopics(topics: readonly TopicToCreate[]): Promise<void>;
  /** Partition count by topic; a topic that does not exist is absent. */
  partitionCounts(topics: readonly string[]): Promise<Map<string, number>>;
  /** Of all partitions: throws while one has no leader. */
  offsets(topic: string): Promise<PartitionOffsets[]>;
  /** As {@link offsets}, without the partitions that have no leader. */
  offsetsWhereLed(topic: string): Promise<PartitionOffsets[]>;
  /** The partitions that have no leader. */
  leaderless(topic: string): Promise<number[]>;
  brokers(): Promise<number>;
  /** Throws while no broker coordinates the group: nobody can be its member, whatever else is there. */
  coordinated(group: string): Promise<void>;
  close(): Promise<void>;
}

export interface Broker {
  producer(): Promise<Producer>;
  consumer(options: ConsumerOptions): Promise<Consumer>;
  admin(): Promise<BrokerAdmin>;
}

export interface BrokerOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Put before every topic and group name, so that several installations can share a cluster. */
  readonly prefix?: string;
  readonly ssl?: boolean;
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
}
