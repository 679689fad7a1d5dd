import { Kafka, logLevel, type KafkaConfig, type LogEntry } from 'kafkajs';
import { logger } from '@payflow/telemetry';
import type { Broker, BrokerOptions } from '../port.js';
import { openAdmin } from './admin.js';
import { CONSUMER_REQUEST_TIMEOUT_MS, openConsumer } from './consumer.js';
import './one-socket.js';
import './quiet-queue.js';
import { openProducer } from './producer.js';

const CONNECTION_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 5_000;

/** The broker behind its port, spoken to with kafkajs. */
export function kafkajsBroker(options: BrokerOptions): Broker {
  const kafka = new Kafka(kafkaConfig(options));
  const kafkaOfGroups = new Kafka({ ...kafkaConfig(options), requestTimeout: CONSUMER_REQUEST_TIMEOUT_MS });
  const prefix = options.prefix ?? '';
  return {
    producer: () => openProducer(kafka, prefix),
    consumer: (consumerOptions) => openConsumer(kafkaOfGroups, consumerOptions, prefix),
    admin: () => openAdmin(kafka, prefix),
  };
}

function kafkaConfig(options: BrokerOptions): KafkaConfig {
  return {
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    logLevel: logLevel.WARN,
    logCreator: () => writeLog,
    ...(options.ssl ? { ssl: true } : {}),
    ...(options.sasl ? { sasl: options.sasl as NonNullable<KafkaConfig['sasl']> } : {}),
  };
}

const log = logger('kafkajs');

/** kafkajs calls ordinary rebalances and retried connections errors: what ends anything reaches us as a rejection, so warn is enough. */
function writeLog({ namespace, log: entry }: LogEntry): void {
  // Of a broker that lets nobody in, it logs the error itself: what is thrown here would be taken for the reason.
  const message = String(entry.message as unknown);
  // Said of every producer we make: our retries are limited because the relay, not the client, repeats what failed.
  if (message.startsWith('Limiting retries for the idempotent producer')) return;
  log.warn({ namespace, groupId: entry['groupId'], error: entry['error'] }, message);
}
