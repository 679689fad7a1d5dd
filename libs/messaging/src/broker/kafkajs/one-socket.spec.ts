import { createRequire } from 'node:module';
import { configureLogging } from '@payflow/telemetry';
import { afterEach, expect, it } from 'vitest';
import { API, PlayedBroker, int32, type Play } from '../../testing/played-broker.js';
import { kafkajsBroker } from './client.js';

configureLogging({ level: 'silent' });

const CONNECT_WITHIN_MS = 200;
/** Longer than the end of another socket takes to be heard. */
const ANSWER_AFTER_MS = 50;

interface Pool {
  getConnection(): Promise<{
    readonly send: (request: object) => Promise<{ readonly apiVersions: readonly unknown[] }>;
  }>;
  destroy(): Promise<void>;
}

let broker: PlayedBroker;
afterEach(() => broker.stop());

async function brokersSeen(): Promise<number> {
  const admin = await kafkajsBroker({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'spec' }).admin();
  return admin.brokers().finally(() => admin.close());
}

/** On the first connection this instead of the answer. */
const atFirst =
  (play: Play): Play =>
  (socket, asked, answer) => {
    if (asked.connection === 1) play(socket, asked, answer);
    else socket.write(answer);
  };

it('half an answer that a socket has left behind is no part of what the next one reads', async () => {
  broker = await PlayedBroker.start(
    atFirst((socket, _asked, answer) => void socket.end(answer.subarray(0, answer.length - 3))),
  );
  expect(await brokersSeen()).toBe(1);
  expect(broker.connections).toBe(2);
});

it('an answer that is none ends its connection, and not the process', async () => {
  broker = await PlayedBroker.start(atFirst((socket) => void socket.write(int32(0))));
  expect(await brokersSeen()).toBe(1);
  expect(broker.connections).toBe(2);
});

function poolOf({ port }: PlayedBroker): Pool {
  const load = createRequire(import.meta.url);
  const KafkaPool = load('kafkajs/src/network/connectionPool') as new (options: object) => Pool;
  const { createLogger } = load('kafkajs/src/loggers') as { createLogger: (options: object) => unknown };
  return new KafkaPool({
    host: '127.0.0.1',
    port,
    socketFactory: (load('kafkajs/src/network/socketFactory') as () => unknown)(),
    logger: createLogger({ level: 0, logCreator: () => () => undefined }),
    connectionTimeout: CONNECT_WITHIN_MS,
    requestTimeout: 1_000,
  });
}

async function versionsTold(pool: Pool): Promise<number> {
  const { requests } = createRequire(import.meta.url)('kafkajs/src/protocol/requests') as {
    requests: { ApiVersions: { protocol: (of: { version: number }) => () => object } };
  };
  const connection = await pool.getConnection();
  const { apiVersions } = await connection.send(requests.ApiVersions.protocol({ version: 2 })());
  return apiVersions.length;
}

it('a connect that comes about after its time-out is nobody’s', async () => {
  broker = await PlayedBroker.start((socket, _asked, answer) => {
    setTimeout(() => socket.write(answer), ANSWER_AFTER_MS);
  });
  const pool = poolOf(broker);
  const opened = pool.getConnection();
  const end = performance.now() + CONNECT_WITHIN_MS + ANSWER_AFTER_MS;
  while (performance.now() < end);
  await expect(opened).rejects.toThrow('Connection timeout');
  expect(await versionsTold(pool)).toBe(Object.keys(API).length);
  await pool.destroy();
});

it('is one for all who ask for it while it connects', async () => {
  broker = await PlayedBroker.start();
  const pool = poolOf(broker);
  const [one, other] = await Promise.all([pool.getConnection(), pool.getConnection()]);
  expect(one).toBe(other);
  expect(await versionsTold(pool)).toBe(Object.keys(API).length);
  expect(broker.connections).toBe(1);
  await pool.destroy();
});
