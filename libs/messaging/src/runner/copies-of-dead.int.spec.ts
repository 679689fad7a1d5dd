import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, accountRejected, markingHandler, recordOf } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RecordToSend } from '../broker/port.js';
import { LogUnderTest } from '../testing/log-under-test.js';
import {
  beginReplay,
  countDeadLetters,
  discardDeadLetter,
  endReplay,
  failReplay,
  listDeadLetters,
  requestReplay,
} from './dead-letter.repository.js';

configureLogging({ level: 'silent' });

const GROUP = 'archiver.ledger';
const WISH = { actor: 'ops', reason: 'spec' };
const TALLY = statement(
  'spec.received',
  'select coalesce(sum(messages), 0)::integer as messages from received_tallies',
);
const COPIED = statement(
  'spec.copied',
  `select count(*)::integer as count from outbox, json_array_elements(messages::json) as m
   where topic like 'dlq.%' and m -> 'message' ->> 'causationId' = $1`,
);

let kit: ReaderKit;
let log: LogUnderTest;
let isBroken = false;

beforeAll(async () => {
  kit = await ReaderKit.open(GROUP);
  await kit.db.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  log = new LogUnderTest(kit);
});
afterAll(() => kit.close());

/** A process that reads the partition; its handler is broken as long as that is said. */
function start() {
  const mark = markingHandler('a');
  return log.start({
    handle: async (messages, tx) => {
      if (isBroken) throw new TypeError('a bug');
      return mark(messages, tx);
    },
  });
}

function damaged(record: RecordToSend): RecordToSend {
  return { ...record, value: '{' };
}

const states = async () => (await listDeadLetters(kit.db)).map(({ offset, state }) => [Number(offset), state]);
const applied = async () => (await kit.db.rows<{ messages: number }>(TALLY))[0]?.messages;

it.each([
  ['by the process that set it aside', false],
  ['by one that has taken the partition over since', true],
])('a dead letter is done with once a copy of it was applied, %s', async (_, isTakenOver) => {
  const begun = (await applied()) ?? 0;
  const message = accountRejected();
  const one = start();
  const letter = log.append(recordOf(message));
  await one.read();
  isBroken = true;
  await one.read();
  isBroken = false;
  expect(await states()).toContainEqual([letter, 'dead']);
  expect(await applied()).toBe(begun);

  if (isTakenOver) await one.close();
  const other = isTakenOver ? start() : one;
  if (isTakenOver) await other.read();
  log.append(...[accountRejected(), message].map(recordOf));
  await other.read();
  expect(await states()).toContainEqual([letter, 'replayed']);
  expect(await countDeadLetters(kit.db, GROUP)).toBe(0);
  expect(await applied()).toBe(begun + 2);
  await other.close();
});

it('a damaged record is done with once its copy was applied by the process that set it aside, also in one batch', async () => {
  const message = accountRejected();
  const one = start();
  const letter = log.append(damaged(recordOf(message)));
  await one.read();
  await one.read();
  expect(await states()).toContainEqual([letter, 'dead']);
  const again = accountRejected();
  const second = log.append(recordOf(message), damaged(recordOf(again)));
  log.append(recordOf(again));
  await one.read();
  const ended = await states();
  expect(ended).toContainEqual([letter, 'replayed']);
  expect(ended).toContainEqual([second, 'replayed']);
  expect(await countDeadLetters(kit.db, GROUP)).toBe(0);
  await one.close();
});

it('a letter that one process has replayed is not put back by another that failed at it before', async () => {
  const one = start();
  const offset = log.append(recordOf(accountRejected()));
  isBroken = true;
  await one.read();
  await one.read();
  isBroken = false;
  await one.close();
  await requestReplay(kit.db, { group: GROUP, partition: 0, offset }, WISH);
  const begun = await beginReplay(kit.db, log.place);
  expect(begun?.record.offset).toBe(offset);
  const { letter } = begun as NonNullable<typeof begun>;
  await kit.db.transaction((tx) => endReplay(tx, log.place, letter));
  await failReplay(kit.db, letter, new TypeError('a bug'));
  expect(await states()).toContainEqual([offset, 'replayed']);
});

it('a record at the offset of a letter of a lost log is kept beside it, and each is decided on alone', async () => {
  const [old, other] = [accountRejected(), accountRejected()];
  const one = start();
  const offset = log.append(damaged(recordOf(old)));
  await one.read();
  await one.read();
  await one.close();
  const fillers = Array.from({ length: offset }, () => recordOf(accountRejected()));
  await log.makeAnew(...fillers, damaged(recordOf(other)));
  const two = start();
  await two.read();
  await two.read();
  const here = (await listDeadLetters(kit.db)).filter((letter) => Number(letter.offset) === offset);
  expect(here.map(({ eventId, state }) => [eventId, state])).toEqual([
    [other.id, 'dead'],
    [old.id, 'dead'],
  ]);
  const place = { group: GROUP, partition: 0, offset } as const;
  await expect(discardDeadLetter(kit.db, place, WISH)).rejects.toThrow(`say which, of letters`);
  expect(await discardDeadLetter(kit.db, { ...place, letter: Number(here[1]?.letter) }, WISH)).toBe(true);
  expect((await states()).filter(([at]) => at === offset)).toEqual([
    [offset, 'dead'],
    [offset, 'settled'],
  ]);
  await two.close();
});

it('what somebody has to look after is listed before what needs nobody, however new', async () => {
  const [first] = await listDeadLetters(kit.db, GROUP, 1);
  expect(first?.state).toBe('dead');
  const all = await listDeadLetters(kit.db, GROUP);
  expect(all.findLastIndex(({ state }) => state === 'dead')).toBeLessThan(
    all.findIndex(({ state }) => state !== 'dead'),
  );
});

it('what is set aside once more after the position was moved back has one copy in the dead-letter topic', async () => {
  const message = accountRejected();
  await log.makeAnew(recordOf(message));
  isBroken = true;
  for (let time = 0; time < 2; time++) {
    const one = start();
    await one.read();
    await one.read();
    await one.close();
    await log.moveToStart();
  }
  isBroken = false;
  expect(await kit.db.rows(COPIED, [message.id])).toEqual([{ count: 1 }]);
});
