import { newId, partitionOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, openAccount, until } from '@payflow/testing';
import { expect, it } from 'vitest';
import { kafkajsBroker } from '../broker/kafkajs/client.js';
import type { Broker } from '../broker/port.js';
import { Messaging } from '../messaging.js';
import type { AnyOutgoing } from '../outgoing.js';

configureLogging({ level: 'silent' });

const OPEN = statement(
  'spec.open',
  'select partition, count(*)::integer as rows from outbox where published_at is null group by 1 order by 1',
);
const EXPIRE = statement('spec.expire', 'update outbox set claimed_until = clock_timestamp()');
const origin = { tenant: newId('tenant'), livemode: false, actor: 'spec' };

/** The real broker, of which one partition takes nothing for as long as it is broken. */
function brokenAt(real: Broker, broken: () => Promise<void> | undefined): Broker {
  return {
    ...real,
    producer: async () => {
      const producer = await real.producer();
      return {
        ...producer,
        send: (topic, partition, records) =>
          (partition === 0 ? broken() : undefined) ?? producer.send(topic, partition, records),
      };
    },
  };
}

function commandFor(partition: number): AnyOutgoing {
  for (;;) {
    const { type, subject, data, id } = openAccount();
    if (partitionOf(subject, 2) === partition) return { type, subject, data, id, origin };
  }
}

it.each([
  ['refuses each send', () => Promise.reject(new Error('not enough replicas')), 'same'],
  // A send that nobody answers ends with its process.
  ['answers no send', () => new Promise<void>(() => undefined), 'next'],
])(
  'a partition that %s keeps no other waiting, however many rows it has, and gets them when it is well',
  async (_, fault, heals) => {
    const kit = await ReaderKit.open('ledger.commands');
    await kit.db.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
    let broken = true;
    const broker = brokenAt(kafkajsBroker(kit.broker), () => (broken ? fault() : undefined));
    const messaging = new Messaging({ broker, database: kit.db, partitions: 'single' });
    // Committed, and the process gone before it could publish: the partition that takes nothing has the older rows.
    await kit.db.transaction(async (tx) => {
      for (let row = 0; row < 400; row++) await messaging.outbox.stage(tx, [commandFor(0)], () => undefined);
      for (let row = 0; row < 120; row++) await messaging.outbox.stage(tx, [commandFor(1)], () => undefined);
    });
    await kit.db.count(EXPIRE);
    await messaging.start();
    await until(
      'the other partition has its rows',
      async () => {
        const open = await kit.db.rows(OPEN);
        return open.every(({ partition }) => partition === 0);
      },
      15_000,
    );
    expect(await kit.db.rows(OPEN)).toEqual([{ partition: 0, rows: 400 }]);
    broken = false;
    const next = new Messaging({ broker, database: kit.db, partitions: 'single' });
    if (heals === 'next') await Promise.all([messaging.close(), next.start()]);
    await until('all is published', async () => (await kit.db.rows(OPEN)).length === 0, 30_000);
    await (heals === 'next' ? next : messaging).close();
    await kit.close();
  },
  90_000,
);
