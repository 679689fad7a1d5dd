import { setImmediate as turn } from 'node:timers/promises';
import type { Database } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { expect, it } from 'vitest';
import type { Broker, Producer } from '../broker/port.js';
import { Publisher } from './publisher.js';

configureLogging({ level: 'silent' });

const database = { count: async () => 1 } as unknown as Database;

function shipment(id: string) {
  return {
    row: { id, created_at: new Date(0) },
    records: [{ key: id, value: id, headers: {} }],
    bytes: 10,
    expiresAt_ms: Infinity,
  };
}

async function turnsUntil(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns++) {
    if (turns > 100_000) throw new Error('never so');
    await turn();
  }
}

it('after any send that throws makes a new producer, with new lanes to every partition', async () => {
  const made: { sent: string[]; closed: boolean }[] = [];
  const broker: Pick<Broker, 'producer'> = {
    producer: async (): Promise<Producer> => {
      const seen = { sent: [] as string[], closed: false };
      made.push(seen);
      return {
        send: async (_topic, partition, records) => {
          if (made.length === 1 && partition === 1) throw new Error('broker gone');
          seen.sent.push(...records.map(({ value }) => String(value)));
        },
        close: async () => {
          seen.closed = true;
        },
      };
    },
  };
  const publisher = new Publisher(broker as Broker, database);
  publisher.start();
  await turnsUntil(() => publisher.connected);
  publisher.offer('t', 0, shipment('a'));
  await turnsUntil(() => made[0]?.sent.length === 1);
  publisher.offer('t', 1, shipment('b'));
  await turnsUntil(() => made.length === 2 && publisher.connected);
  publisher.offer('t', 0, shipment('c'));
  publisher.offer('t', 1, shipment('d'));
  await turnsUntil(() => made[1]?.sent.length === 2);
  expect(made).toEqual([
    { sent: ['a'], closed: true },
    { sent: ['c', 'd'], closed: false },
  ]);
  await publisher.close(100);
  expect(made[1]?.closed).toBe(true);
});

it('closes a producer that connects after the end', async () => {
  let closed = false;
  const connected = Promise.withResolvers<Producer>();
  const publisher = new Publisher({ producer: () => connected.promise } as unknown as Broker, database);
  publisher.start();
  await publisher.close(10);
  connected.resolve({
    send: async () => undefined,
    close: async () => {
      closed = true;
    },
  });
  await turnsUntil(() => closed);
  expect(publisher.connected).toBe(false);
});
