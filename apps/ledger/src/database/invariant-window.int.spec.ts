import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant, recentOutbox, WINDOW_MESSAGES_MAX } from '@payflow/invariants';
import { Messaging } from '@payflow/messaging';
import { createTestDatabase, testBroker, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LedgerCommand } from '../domain/decide.js';
import { LedgerCommandsHandler } from '../handlers/ledger-commands.handler.js';
import { CommandsOf } from '../testing/commands.js';
import { invariants, migrations } from './index.js';

const BATCH = 500;
const BATCHES = 2 + (2 * WINDOW_MESSAGES_MAX) / BATCH;
let db: TestDatabase;

beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  const messaging = new Messaging({ broker: testBroker('unused'), database: db.database, partitions: 'single' });
  const handler = new LedgerCommandsHandler();
  const handle = (commands: readonly LedgerCommand[]) =>
    db.database.transaction(async (tx) => {
      const { messages } = await handler.handle(commands, tx);
      await messaging.outbox.stage(tx, messages, () => undefined);
    });
  const ours = new CommandsOf();
  const [world, wallet] = [newId('account'), newId('account')];
  await handle([ours.open(world, { overdraft: 'unbounded' }), ours.open(wallet)]);
  for (let batch = 0; batch < BATCHES; batch++)
    await handle(Array.from({ length: BATCH }, () => ours.transfer(world, wallet, '1')));
});
afterAll(() => db?.drop());

const seen = async (form: 'running' | 'full') => {
  const text = `with ${recentOutbox(form)} select count(*)::integer as messages from sent`;
  const [row] = await db.database.rows<{ messages: number }>(statement(`spec.window-${form}`, text));
  return row?.messages ?? 0;
};
const found = async (form: 'running' | 'full') => {
  const check = invariants.find(({ name }) => name === 'I18') as (typeof invariants)[number];
  return (await checkInvariant(db.database, check, form)).violations;
};

it('the running check looks at the newest messages, however many are fresh, and the full one at all', async () => {
  const newest = await seen('running');
  expect(newest).toBeGreaterThanOrEqual(WINDOW_MESSAGES_MAX);
  expect(newest).toBeLessThanOrEqual(WINDOW_MESSAGES_MAX + 2 * BATCH);
  expect(await seen('full')).toBe(2 + BATCHES * BATCH);
  expect([await found('running'), await found('full')]).toEqual([0, 0]);
});

it('the full check asks for no message of a day that was dropped, though an older one stays for a row that was never sent', async () => {
  const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
  await db.tamper(`create table outbox_${day(12).replaceAll('-', '')} partition of outbox for values from ('${day(12)}') to ('${day(11)}');
    insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until)
    values ('${day(12)}', uuid_floor('${day(12)}'), 'ledger.events.v1', 0, '[]', 1, 0, 0, now());
    create table told as select * from verdicts limit 1;
    update told set id = gen_random_uuid(), event_id = uuid_floor(now() - interval '10 days');
    insert into verdicts select * from told`);
  expect(await found('full')).toBe(0);
  await db.tamper(
    `delete from verdicts v using told t where v.id = t.id; drop table told, outbox_${day(12).replaceAll('-', '')}`,
  );
});

it('what was not told is found by the running check where it is fresh, and by the full one wherever it is', async () => {
  const forget = (which: string) =>
    db.tamper(`update verdicts set event_id = uuid_floor(uuid_time(event_id) + interval '1 ms')
      where (kind, id) = (select kind, id from verdicts where kind = 'transfer' order by event_id ${which} limit 1)`);
  await forget('asc');
  expect([await found('running'), (await found('full')) > 0]).toEqual([0, true]);
  await forget('desc');
  expect(await found('running')).toBeGreaterThan(0);
});
