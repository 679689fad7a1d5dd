import { deepStrictEqual, equal } from 'node:assert/strict';
import { SUBSCRIPTIONS, deadLetterTopic, newId, type Group, type Topic } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { expectBooksInOrder } from '../books/books.js';
import type { ForeignRecords } from '../books/message-books.js';
import type { House } from '../house/house.js';
import type { Merchant } from '../house/merchant.js';
import { Load, type SentPayment } from '../house/payments.js';
import { Random } from '../house/random.js';
import type { RecordToWrite } from '../house/records.js';
import { badRecords, type BadRecord, goodRecord, idOf, ofType, renewed, withData } from './bad-records.js';
import {
  brownOut,
  damagedAndRefused,
  deathByMessage,
  parkedAndDiscarded,
  parkedAndReleased,
  type Poisoned,
} from './poison-handled.js';
import { withStage, type Run, type Scenario } from './scenario.js';

const CONCURRENCY = 16;
const STOPPED_WITHIN_MS = 30_000;
/** A stopped partition looks again after half a minute. */
const MOVED_WITHIN_MS = 60_000;
const BY = ['--actor', 'e2e', '--reason', 'poison campaign'] as const;

/** One bad record of each kind into each topic: set aside, stopped or parked as docs/the-way-of-a-message.md says, while the others flow. */
async function run({ short, say }: Run): Promise<void> {
  const random = new Random();
  say(`seed ${random.seed}`);
  await withStage({ name: 'poison' }, async ({ house, merchant }) => {
    const sent: SentPayment[] = [];
    const load = async (payments: number) =>
      void sent.push(...(await new Load(merchant, { payments, concurrency: CONCURRENCY, random }).end()));
    await load(100);
    await house.untilCaughtUp();

    const during = load(100);
    say(await setAside(house));
    await during;
    const foreign = { setAsideExpected: true, messages: await harmless(house, merchant) };
    await expectBooksInOrder(house, sent, foreign);
    say('unknown event types skipped, reused ids refused, repeated versions and unknown aggregates ignored');

    const poisoned: Poisoned = { house, merchant, random, sent, foreign, say };
    await parkedAndReleased(poisoned);
    await parkedAndDiscarded(poisoned);
    await damagedAndRefused(poisoned);
    if (!short) {
      await brownOut(poisoned);
      await deathByMessage(poisoned);
      for (const kind of ['newer major', 'unknown command'] as const) await stopped(poisoned, kind);
    }
    await expectBooksInOrder(house, sent, foreign);
    say(`${sent.length} payments: books in order, published = applied + parked + dead-lettered`);
  });
}

/** Undecodable records: each reader keeps its own copy with the cause, tells its dead-letter topic, and goes on. */
async function setAside(house: House): Promise<string> {
  const written = new Map<Topic, readonly BadRecord[]>();
  for (const topic of new Set(Object.values(SUBSCRIPTIONS).map(({ topic }) => topic))) {
    const bad = badRecords(topic, await house.records.readAll(topic));
    written.set(topic, bad);
    // Each in a request of its own: together with the large one they would be more than a broker takes.
    for (const { record } of bad) await house.records.write(topic, [record]);
  }
  const groups = Object.keys(SUBSCRIPTIONS) as Group[];
  let letters = 0;
  for (const group of groups) {
    const spec = SUBSCRIPTIONS[group];
    const kinds = (written.get(spec.topic) ?? []).filter(({ isFor }) => isFor(spec)).length;
    letters += kinds;
    await until(`${group} has set ${kinds} records aside`, async () => (await deadLetters(house, group)) >= kinds);
    await until(
      `${group} has told its dead-letter topic`,
      async () => (await house.records.readAll(deadLetterTopic(group))).length >= kinds,
    );
    equal(await deadLetters(house, group), kinds, `${group}: one dead letter for each bad record`);
    equal((await house.records.readAll(deadLetterTopic(group))).length, kinds, `${group}: one copy of each`);
  }
  const records = [...written.values()].reduce((sum, bad) => sum + bad.length, 0);
  return `${records} bad records in ${written.size} topics: ${letters} dead letters, each reader its own`;
}

function deadLetters({ databases }: House, group: Group): Promise<number> {
  return databases.value<number>(
    SUBSCRIPTIONS[group].service,
    'select count(*)::integer from dead_letters where consumer_group = $1',
    [group],
  );
}

/** Valid records that must change nothing. Returns those that readers count as received. */
async function harmless(house: House, { accounts }: Merchant): Promise<NonNullable<ForeignRecords['messages']>> {
  const events = goodRecord(await house.records.readAll('payments.events.v1'), 'payflow.payment.succeeded.v1');
  const ledgerEvents = await house.records.readAll('ledger.events.v1');
  // One that was booked: a refusal of its id must not look like the refusal it had before.
  const command = goodRecord(await house.records.readAll('ledger.commands.v1'), 'payflow.transfer.post.v1', accounts);
  const repeated = renewed(withData(events, { reference: 'an older version, told again' }));
  const rejected = renewed(
    ofType(goodRecord(ledgerEvents, 'payflow.transfer.posted.v1'), 'payflow.transfer.rejected.v1'),
  );
  const stray = strayVerdict(rejected);
  await house.records.write('payments.events.v1', [renewed(ofType(events, 'payflow.payment.celebrated.v1')), repeated]);
  await house.records.write('ledger.events.v1', [renewed(ofType(events, 'payflow.transfer.admired.v1')), stray]);
  // The same command id with another amount: refused, told so, and nothing moves.
  await house.records.write('ledger.commands.v1', [withData(command, { amount: '1' })]);
  await house.untilCaughtUp();
  return [
    { type: 'payflow.payment.succeeded.v1', id: idOf(repeated) },
    { type: 'payflow.transfer.rejected.v1', id: idOf(stray) },
  ];
}

/** A verdict on a payment that nobody knows. */
function strayVerdict(posted: RecordToWrite): RecordToWrite {
  const data = JSON.parse(posted.value?.toString() ?? '{}') as Record<
    'debit_account' | 'credit_account',
    { id: string }
  > &
    Record<string, unknown>;
  return withData(posted, {
    id: newId('transfer'),
    payment: newId('payment'),
    debit_account: data.debit_account.id,
    credit_account: data.credit_account.id,
    reason: 'insufficient_funds',
  });
}

/** What a reader must not skip and cannot read stops its partition, and only that, until an operator moves it on. */
async function stopped(
  { house, merchant, random, sent, say }: Poisoned,
  kind: 'newer major' | 'unknown command',
): Promise<void> {
  const type = kind === 'newer major' ? 'payflow.payment.create.v7' : 'payflow.payment.levitate.v1';
  const good = goodRecord(await house.records.readAll('payments.commands.v1'), 'payflow.payment.create.v1');
  const end = (await house.records.ends('payments.commands.v1')).get(good.partition) ?? 0;
  await house.records.write('payments.commands.v1', [renewed(ofType(good, type))]);
  const place = ['payments.commands', good.partition];
  const reason = await until(
    'the partition has stopped',
    () =>
      house.databases.value<string | null>(
        'payments',
        'select stopped_reason from positions where consumer_group = $1 and partition = $2',
        place,
      ),
    STOPPED_WITHIN_MS,
  );
  const before = await positionsOf(house);
  // Every sender ends up waiting for a payment that stands still: there must be many.
  const load = new Load(merchant, { concurrency: CONCURRENCY * 4, random, wait_s: 0 });
  await until('payments of the other partition end', () => load.final > 20, MOVED_WITHIN_MS);
  const after = await positionsOf(house);
  equal(after.get(good.partition), before.get(good.partition), 'the stopped partition stands still');
  await house.installation.payflow(
    'positions',
    'move',
    'payments.commands',
    String(good.partition),
    '--to',
    String(end + 1),
    ...BY,
  );
  sent.push(...(await load.finish()));
  deepStrictEqual(
    await house.databases.rows('payments', 'select stopped_reason from positions where stopped_reason is not null'),
    [],
  );
  say(
    `${kind}: partition ${good.partition} stopped (${reason}), the other flowed, and this one after \`payflow positions move\``,
  );
}

async function positionsOf({ databases }: House): Promise<Map<number, number>> {
  const rows = await databases.rows<{ partition: number; next_offset: string }>(
    'payments',
    `select partition, next_offset from positions where consumer_group = 'payments.commands'`,
  );
  return new Map(rows.map(({ partition, next_offset }) => [partition, Number(next_offset)]));
}

export const poison: Scenario = {
  name: 'poison',
  summary: 'one bad record of each kind into each topic: set aside, and the others flow (S6)',
  run,
};
