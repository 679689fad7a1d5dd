import type { AnyMessage } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, markingHandler, openAccount, until } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listParked, requestParked } from '../parking/parking.repository.js';
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
