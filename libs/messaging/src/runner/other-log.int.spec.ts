import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, createTestTopics, openAccount, recordOf, until } from '@payflow/testing';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { expect, it } from 'vitest';

configureLogging({ level: 'silent' });

async function withAdmin(kit: ReaderKit, work: (admin: Admin, topic: string) => Promise<void>): Promise<void> {
  const admin = new Kafka({ brokers: [...kit.broker.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await work(admin, `${kit.broker.prefix}${kit.topic}`);
  await admin.disconnect();
}

const records = (count: number) => Array.from({ length: count }, () => recordOf(openAccount()));

async function stopReason(kit: ReaderKit): Promise<string> {
  const found = await until('the partition is stopped', async () =>
    (await kit.positions()).find(({ stoppedReason }) => stoppedReason !== null),
  );
  return found.stoppedReason ?? '';
}

it('a topic made anew is never read as if it were the old one: shorter, the partition is stopped', async () => {
  const kit = await ReaderKit.open('ledger.commands');
  const reader = await kit.start();
  await kit.sendTo(0, records(20));
  await kit.untilRead();
  await kit.stop(reader);
  await withAdmin(kit, (admin, topic) => admin.deleteTopics({ topics: [topic] }));
  await createTestTopics(kit.broker, [kit.topic]);
  await kit.sendTo(0, records(5));
  await kit.start();
  expect(await stopReason(kit)).toMatch(/^log_shorter_than_position: position 20, log ends at 5/);
  expect((await kit.effects()).length).toBe(20);
  await kit.close();
});

it('a topic made anew and filled further than before is told by the record at the position', async () => {
  const kit = await ReaderKit.open('ledger.commands');
  const reader = await kit.start();
  await kit.sendTo(0, records(20));
  await kit.untilRead();
  await kit.stop(reader);
  await withAdmin(kit, (admin, topic) => admin.deleteTopics({ topics: [topic] }));
  await createTestTopics(kit.broker, [kit.topic]);
  await kit.sendTo(0, records(30));
  await kit.start();
  expect(await stopReason(kit)).toMatch(/^wrong_record_at_position: offset 19/);
  expect((await kit.effects()).length).toBe(20);
  await kit.close();
});

it('records that retention took before they were read stop the partition', async () => {
  const kit = await ReaderKit.open('ledger.commands');
  const reader = await kit.start();
  await kit.sendTo(0, records(20));
  await kit.untilRead();
  await kit.stop(reader);
  await kit.sendTo(0, records(20));
  await withAdmin(kit, async (admin, topic) => {
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '30' }] });
  });
  await kit.start();
  expect(await stopReason(kit)).toMatch(/^gap_in_log: position 20, log starts at 30/);
  expect((await kit.effects()).length).toBe(20);
  await kit.close();
});
