import { PARTITIONS, SUBSCRIPTIONS, type Group, type Service } from '@payflow/contracts';
import type { Broker, Consumer, ConsumerOptions, Producer } from './port.js';

/** How the consumer of a group reads. */
export function consumerOptions(group: Group, partitions: number): ConsumerOptions {
  const { topic, gather_ms } = SUBSCRIPTIONS[group];
  return { topic, group, gather_ms, partitions };
}

/** A broker of which some connections are being made already. */
export interface EarlyBroker extends Broker {
  /** Closes those that nobody has asked for. */
  discard(): Promise<void>;
}

const DISCARD_MS = 500;

/**
 * A broker to which a service's producer and consumers are connecting already, while the rest of it is still made. The first
 * who asks for one gets that; who asks again, after a failure, gets a new one. No consumer joins its group before it is asked to.
 */
export function withHeadStart(broker: Broker, service: Service, profile: keyof typeof PARTITIONS): EarlyBroker {
  const producer = new Early<Producer>(() => broker.producer());
  const groups = (Object.keys(SUBSCRIPTIONS) as Group[]).filter((group) => SUBSCRIPTIONS[group].service === service);
  const consumers = new Map(
    groups.map((group) => [
      group as string,
      new Early<Consumer>(() => broker.consumer(consumerOptions(group, PARTITIONS[profile]))),
    ]),
  );
  return {
    producer: () => producer.take() ?? broker.producer(),
    consumer: (options) => consumers.get(options.group)?.take() ?? broker.consumer(options),
    admin: () => broker.admin(),
    discard: async () => {
      const left = [
        producer.take()?.then((one) => one.close()),
        ...[...consumers.values()].map((early) => early.take()?.then((one) => one.stop(DISCARD_MS))),
      ];
      await Promise.allSettled(left);
    },
  };
}

/** Begins now, and gives what comes of it to the first who asks. */
class Early<T> {
  private running: Promise<T> | undefined;

  constructor(begin: () => Promise<T>) {
    this.running = begin();
    // Whoever asks is told; until then nobody listens.
    this.running.catch(() => undefined);
  }

  take(): Promise<T> | undefined {
    const { running } = this;
    this.running = undefined;
    return running;
  }
}
