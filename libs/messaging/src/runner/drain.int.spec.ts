import type { AnyMessage } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, markingHandler, openAccount, recordOf, until } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { listParked, parkSubject, requestParked, storeParked } from '../parking/parking.repository.js';
import { Beside } from './beside.js';
import { keepDeadLetter, listDeadLetters, requestReplay } from './dead-letter.repository.js';
import { carryOutWishes } from './drain.js';
import { claimPosition, lockPosition } from './positions.repository.js';
import { readerOf } from './unit.js';

configureLogging({ level: 'silent' });

const GROUP = 'ledger.commands';
const CAUSE = { errorClass: 'spec', errorMessage: 'spec', attempts: 2 };
const WISH = { actor: 'ops', reason: 'spec' };
const FORGET = [
  statement('spec.forget-subjects', 'delete from parked_subjects'),
  statement('spec.forget-messages', 'delete from parked_messages'),
  statement('spec.forget-effects', 'delete from effects'),
];
const WAITED_FOR = statement(
  'spec.waited-for',
  `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
);

let kit: ReaderKit;
beforeAll(async () => {
  kit = await ReaderKit.open(GROUP);
});
afterAll(() => kit.close());
beforeEach(async () => {
  for (const forget of FORGET) await kit.db.count(forget);
});

const place = () => ({ group: GROUP, topic: kit.topic, partition: 0 });
const effects = async () => (await kit.effects()).map(({ eventId }) => eventId);

/** The partition's owner, between two batches. */
async function owner(before: (messages: readonly AnyMessage[]) => void = () => undefined) {
  const { epoch } = await claimPosition(kit.db, place(), 0, 0);
  const mark = markingHandler('a');
  const reader = readerOf(GROUP, kit.db, kit.messaging().outbox, {
    discard: () => Promise.resolve({ messages: [] }),
    handle: async (messages, tx) => {
      before(messages);
      return mark(messages, tx);
    },
  });
  return { reader, place: place(), epoch, beside: new Beside(), dead: new Set<string>() };
}

/** As a batch leaves them that has found the first of them at fault. */
async function park(tx: Transaction, messages: readonly AnyMessage[], first = 0): Promise<void> {
  await parkSubject(tx, place(), messages[0] as AnyMessage, CAUSE);
  await storeParked(
    tx,
    place(),
    messages.map((message, at) => ({ message, offset: first + at })),
  );
}

function release({ tenant, key }: AnyMessage): Promise<boolean> {
  return requestParked(kit.db, { group: GROUP, tenant, recordKey: key }, { state: 'releasing', ...WISH });
}

it('is tried with fewer and fewer where so many take longer than a statement may', async () => {
  const account = openAccount().data.id;
  const messages = Array.from({ length: 30 }, () => openAccount(account));
  await kit.db.transaction((tx) => park(tx, messages));
  await release(messages[0] as AnyMessage);
  const sizes: number[] = [];
  const owned = await owner((tried) => {
    sizes.push(tried.length);
    if (tried.length > 12) throw Object.assign(new Error('canceling statement'), { code: '57014' });
  });
  await carryOutWishes(owned);
  // What it has found to be few enough it goes on with.
  expect(sizes).toEqual([30, 30, 25, 12, 12, 6]);
  expect(await effects()).toEqual(messages.map(({ id }) => id));
  expect(await listParked(kit.db)).toEqual([]);
});

it.each([
  ['releasing', 'released'],
  ['discarding', 'discarded'],
] as const)('leaves a line that says who asked for it, and why: %s', async (state, word) => {
  const message = openAccount();
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  await kit.db.transaction((tx) => park(tx, [message]));
  await requestParked(kit.db, { group: GROUP, tenant: message.tenant, recordKey: message.key }, { state, ...WISH });
  const owned = await owner();
  configureLogging({ level: 'info', stream });
  await carryOutWishes(owned);
  configureLogging({ level: 'silent' });
  expect(lines.map((line) => JSON.parse(line) as object)).toContainEqual(
    expect.objectContaining({
      msg: `a parked subject is ${word}`,
      tenant: message.tenant,
      record_key: message.key,
      ...WISH,
    }),
  );
  expect(await listParked(kit.db)).toEqual([]);
});

it('is listed with the modes of what waits: one key may mean something in either', async () => {
  const test = openAccount();
  const live = { ...openAccount(test.data.id), livemode: true };
  await kit.db.transaction((tx) => park(tx, [live]));
  expect((await listParked(kit.db))[0]?.modes).toBe('live');
  await kit.db.transaction((tx) => park(tx, [test], 1));
  expect(await listParked(kit.db)).toMatchObject([{ waiting: 2, modes: 'live, test' }]);
});

it('is told what a batch has parked for whose lock it has waited', async () => {
  const owned = await owner();
  const account = openAccount().data.id;
  const [parked, letter] = [openAccount(account), openAccount(account)];
  const { key, value, headers } = recordOf(letter);
  const record = {
    offset: 7,
    key: Buffer.from(key as string),
    value: Buffer.from(value as string),
    headers,
    timestamp: '0',
  };
  await kit.db.transaction(async (tx) => void (await keepDeadLetter(tx, place(), record, CAUSE)));
  await requestReplay(kit.db, { group: GROUP, partition: 0, offset: 7 }, WISH);
  let wishes: Promise<void> | undefined;
  await kit.db.transaction(async (tx) => {
    await lockPosition(tx, place());
    await park(tx, [parked]);
    wishes = carryOutWishes(owned);
    await until('the replay waits for the lock', async () => (await kit.db.rows(WAITED_FOR)).length > 0);
  });
  await wishes;
  expect(await effects()).toEqual([]);
  expect((await listParked(kit.db))[0]?.waiting).toBe(2);
  expect((await listDeadLetters(kit.db))[0]?.state).toBe('replayed');
});
