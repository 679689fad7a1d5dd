import { SUBSCRIPTIONS, TOPICS, deadLetterTopic, type Group, type Topic } from '@payflow/contracts';
import { Kafka, logLevel, type Admin, type IHeaders, type Producer } from 'kafkajs';
import { until, uniqueSuffix } from '@payflow/testing';

/** A record as it lies in a topic, and as it can be written there again. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: IHeaders;
}

export type RecordToWrite = Pick<LogRecord, 'key' | 'value' | 'headers'> & { readonly partition: number };

/** The topics of one installation, read and written from outside. Names are the topology's, without the prefix. */
export class Records {
  private readonly kafka: Kafka;
  private connectedAdmin: Promise<Admin> | undefined;
  private connectedProducer: Promise<Producer> | undefined;

  constructor(
    brokers: string,
    private readonly prefix: string,
  ) {
    this.kafka = new Kafka({ brokers: brokers.split(','), clientId: 'payflow-e2e', logLevel: logLevel.NOTHING });
  }

  async write(topic: string, records: readonly RecordToWrite[]): Promise<void> {
    const producer = await this.producer();
    await producer.send({ topic: this.prefix + topic, acks: -1, messages: records.map((record) => ({ ...record })) });
  }

  /** Offset after the last record, by partition. */
  async ends(topic: string): Promise<Map<number, number>> {
    const offsets = await (await this.admin()).fetchTopicOffsets(this.prefix + topic);
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  }

  /** Everything that lies in the topic now. */
  async readAll(topic: string): Promise<LogRecord[]> {
    const ends = await this.ends(topic);
    const records: LogRecord[] = [];
    const read = new Map<number, number>();
    const isWhole = () => [...ends].every(([partition, end]) => (read.get(partition) ?? 0) >= end);
    if (isWhole()) return records;
    const consumer = this.kafka.consumer({ groupId: `${this.prefix}reader.${uniqueSuffix()}`, maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topics: [this.prefix + topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        const { key, value, headers = {}, offset } = message;
        records.push({ topic, partition, offset: Number(offset), key, value, headers });
        read.set(partition, Number(offset) + 1);
      },
    });
    await until(`all of ${topic} is read`, isWhole);
    await consumer.disconnect();
    return records.filter(({ partition, offset }) => offset < (ends.get(partition) ?? 0));
  }

  async deleteTopics(): Promise<void> {
    const topics = [
      ...(Object.keys(TOPICS) as Topic[]),
      ...(Object.keys(SUBSCRIPTIONS) as Group[]).map(deadLetterTopic),
    ];
    await (await this.admin()).deleteTopics({ topics: topics.map((topic) => this.prefix + topic) });
  }

  async close(): Promise<void> {
    await (await this.connectedAdmin)?.disconnect();
    await (await this.connectedProducer)?.disconnect();
  }

  private async admin(): Promise<Admin> {
    this.connectedAdmin ??= connected(this.kafka.admin());
    return this.connectedAdmin;
  }

  private async producer(): Promise<Producer> {
    this.connectedProducer ??= connected(this.kafka.producer({ allowAutoTopicCreation: false }));
    return this.connectedProducer;
  }
}

async function connected<C extends { connect(): Promise<void> }>(client: C): Promise<C> {
  await client.connect();
  return client;
}
