import type { AnyMessage } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, markingHandler, openAccount, recordOf, until } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listParked, requestParked } from '../parking/parking.repository.js';
import { LogUnderTest } from '../testing/log-under-test.js';
import type { SubscriptionHandlers } from './handler.js';

configureLogging({ level: 'silent' });

const PARKED = statement('spec.parked', 'select record_offset::integer as "offset" from parked_messages order by 1');
const TALLY = statement('spec.received', 'select sum(messages)::integer as messages from received_tallies');
const KNOWN = statement('spec.known', 'select event_id as id from effects where event_id = any ($1::text[])');

let kit: ReaderKit;
let bad: AnyMessage | undefined;
const mark = markingHandler('a');
const handlers: SubscriptionHandlers = {
  handle: async (messages, tx) => {
    if (messages.some(({ id }) => id === bad?.id)) throw new TypeError('a bug');
    return mark(messages, tx);
  },
  known: async (messages, tx) =>
    (await tx.rows<{ id: string }>(KNOWN, [messages.map(({ id }) => id)])).map(({ id }) => id),
};

beforeAll(async () => {
  kit = await ReaderKit.open('ledger.commands');
  await kit.start(handlers);
});
afterAll(() => kit.close());

it('a copy of what was applied before its subject was parked waits behind nobody, and is counted nowhere else', async () => {
  const first = openAccount();
  const [second, third] = [openAccount(first.data.id), openAccount(first.data.id)];
  bad = second;
  await kit.send([first, second]);
  await kit.untilRead();
  expect(await kit.db.rows(PARKED)).toEqual([{ offset: 1 }]);
  // As a gateway does that waits for the answer to the second: it publishes the whole row again.
  await kit.send([first, second, third]);
  await kit.untilRead();
  expect(await kit.db.rows(PARKED)).toEqual([{ offset: 1 }, { offset: 4 }]);
  expect(await kit.db.rows(TALLY)).toEqual([{ messages: 1 }]);
  bad = undefined;
  const subject = { group: kit.group, tenant: first.tenant, recordKey: first.key };
  await requestParked(kit.db, subject, { state: 'releasing', actor: 'ops', reason: 'spec' });
  await until('it is released', async () => (await listParked(kit.db)).length === 0);
  expect((await kit.effects()).map(({ eventId }) => eventId)).toEqual([first, second, third].map(({ id }) => id));
});

it('what waits from a log that was lost is applied before what came in the log after it', async () => {
  const lost = await ReaderKit.open('ledger.commands');
  await lost.db.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  const log = new LogUnderTest(lost);
  const [first, second, other] = [openAccount(), openAccount(), openAccount()];
  const ofSubject = [openAccount(first.data.id), openAccount(first.data.id)];
  bad = first;
  const before = log.start(handlers);
  log.append(...[other, second, first, ...ofSubject].map(recordOf));
  await before.read();
  await before.read();
  await before.close();
  const later = openAccount(first.data.id);
  await log.makeAnew(recordOf(later));
  const after = log.start(handlers);
  await after.read();
  await after.read();
  bad = undefined;
  const subject = { group: lost.group, tenant: first.tenant, recordKey: first.key };
  await requestParked(lost.db, subject, { state: 'releasing', actor: 'ops', reason: 'spec' });
  await after.finish();
  const applied = (await lost.effects()).filter(({ key }) => key === first.key).map(({ eventId }) => eventId);
  expect(applied).toEqual([first, ...ofSubject, later].map(({ id }) => id));
  await lost.close();
});
