import { statement } from '@payflow/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { parkedCommands } from './parked.js';

const PARKED = statement(
  'spec.park',
  `insert into parked_messages (consumer_group, tenant, record_key, topic, partition, record_offset, event_id, message)
   values ('payments.commands', 't', 'k', 'payments.commands.v1', 0, 7, gen_random_uuid(), '{"livemode":true,"data":{"which":"parked"}}')`,
);
const WAITING = statement(
  'spec.wait',
  `insert into waiting_commands (consumer_group, tenant, livemode, record_key, sequence, event_id, record_offset, message)
   values ('payments.commands', 't', true, 'k', 4, gen_random_uuid(), 6, '{"livemode":true,"data":{"which":"waiting"}}')`,
);

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('payments', MIGRATIONS.payments, 2);
  process.env['PAYMENTS_DATABASE_URL'] = db.url;
  await db.database.count(WAITING);
  await db.database.count(PARKED);
});
afterAll(async () => {
  delete process.env['PAYMENTS_DATABASE_URL'];
  await db.drop();
});

async function run(...words: readonly string[]): Promise<string> {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await parkedCommands()
      .exitOverride()
      .parseAsync([...words], { from: 'user' });
    return written.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    written.mockRestore();
  }
}

it('shows what waits for an operator, and what waits for its predecessor, and tells them apart', async () => {
  const shown = (await run('show', 'payments.commands', 't', 'k')).split('\n');
  const [parked, waiting] = ['parked', 'waiting'].map((which) => shown.findIndex((line) => line.includes(which)));
  expect(shown[parked as number]).toMatch(/7 .* live .* for you /);
  expect(shown[waiting as number]).toMatch(/6 .* live .* for number 3 /);
  expect(parked).toBeLessThan(waiting as number);
});
