import { deepStrictEqual } from 'node:assert/strict';
import { SERVICES, SUBSCRIPTIONS, TOPICS, type Topic } from '@payflow/contracts';
import { expectBooksInOrder } from '../books/books.js';
import { digest } from '../books/digest.js';
import type { House } from '../house/house.js';
import { republishAll } from '../house/outboxes.js';
import { Load, type SentPayment } from '../house/payments.js';
import { Random } from '../house/random.js';
import type { LogRecord } from '../house/records.js';
import { withStage, type Run, type Scenario } from './scenario.js';

const CONCURRENCY = 32;
const DUPLICATED_ONE_IN = 5;
const REASON = 'duplicates campaign';

/** A fifth of all records comes twice, then every reader starts again at 0 and every outbox is sent again: the same books. */
async function run({ short, say }: Run): Promise<void> {
  const random = new Random();
  say(`seed ${random.seed}`);
  await withStage({ name: 'duplicates' }, async ({ house, merchant }) => {
    const load = async (payments: number) => new Load(merchant, { payments, concurrency: CONCURRENCY, random }).end();
    const sent: SentPayment[] = [...(await load(short ? 200 : 1_000))];
    await expectBooksInOrder(house, sent);
    const before = await digest(house.databases);

    for (const topic of Object.keys(TOPICS) as Topic[])
      say(`${topic}: ${await duplicate(house, topic, random)} records written once more`);
    await house.untilCaughtUp();
    deepStrictEqual(await digest(house.databases), before);

    await rewind(house);
    await house.untilCaughtUp();
    say('every reader has read everything again, and every outbox was sent again');
    deepStrictEqual(await digest(house.databases), before);
    await expectBooksInOrder(house, sent);

    if (short) return;
    const later = load(500);
    await rewind(house);
    sent.push(...(await later));
    await house.untilCaughtUp();
    await expectBooksInOrder(house, sent);
    await house.verify();
    say(`${sent.length} payments, the last of them while everything was read again: books in order`);
  });
}

/** Writes a random part of the topic's records again, in another order, where they lay. */
async function duplicate(house: House, topic: Topic, random: Random): Promise<number> {
  const records = await house.records.readAll(topic);
  const chosen = records.filter(() => random.below(DUPLICATED_ONE_IN) === 0);
  const shuffled = chosen.map((record): [number, LogRecord] => [random.next(), record]).sort(([a], [b]) => a - b);
  await house.records.write(
    topic,
    shuffled.map(([, record]) => record),
  );
  return chosen.length;
}

/** The operator's two commands, for every reader and every writer. */
async function rewind(house: House): Promise<void> {
  const { installation, records } = house;
  for (const [group, { topic }] of Object.entries(SUBSCRIPTIONS)) {
    const partitions = [...(await records.ends(topic)).keys()].join(',');
    await installation.payflow(
      'positions',
      'move',
      group,
      partitions,
      '--to',
      '0',
      '--actor',
      'e2e',
      '--reason',
      REASON,
    );
  }
  for (const service of SERVICES) await republishAll(house, service, REASON);
}

export const duplicates: Scenario = {
  name: 'duplicates',
  summary: 'records twice, readers back at 0, outboxes sent again: the same books (S3)',
  run,
};
