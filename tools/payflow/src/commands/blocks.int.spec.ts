import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { listBlocks } from '@payflow/gateway/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { blocksCommands } from './blocks.js';

const PLACE = statement(
  'spec.place-blocks',
  `insert into access_blocks (id, kind, subject, suspicion, tried_count, level, blocked_at, blocked_until, event_id)
   select gen_random_uuid(), 'address', s, 'not_found_burst', 60, 1, now() - interval '2 hours', now() + at, gen_random_uuid()
   from (values ('192.0.2.1', interval '1 hour'), ('192.0.2.2', interval '-1 hour')) as b (s, at)`,
);

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('gateway', MIGRATIONS.gateway, 2);
  process.env['GATEWAY_DATABASE_URL'] = db.url;
  await db.database.count(PLACE);
});
afterAll(async () => {
  delete process.env['GATEWAY_DATABASE_URL'];
  await db.drop();
});

const run = async (...words: readonly string[]): Promise<string> => {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await blocksCommands().parseAsync([...words], { from: 'user' });
    return written.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    written.mockRestore();
  }
};

it('lists who is not let in, and with `--all` who was not', async () => {
  expect(await run('ls')).toMatch(/192\.0\.2\.1/);
  expect(await run('ls')).not.toMatch(/192\.0\.2\.2/);
  expect(await run('ls', '--all')).toMatch(/192\.0\.2\.2/);
});

it('asks a gateway to lift one that holds, and no other', async () => {
  const [held, ended] = ['192.0.2.1', '192.0.2.2'].map((address) => async () => {
    const all = await listBlocks(db.database, true, 10);
    return all.find(({ subject }) => subject === address)?.id ?? '';
  });
  const by = ['--actor', 'alice', '--reason', 'ours'];
  expect(await run('lift', (await held?.()) ?? '', ...by)).toMatch(/lifts it/);
  for (const id of [(await ended?.()) ?? '', newId('block')])
    await expect(run('lift', id, ...by)).rejects.toThrow('there is no such block that holds');
  await expect(run('lift', 'blk_1', ...by)).rejects.toThrow('that is no id of a block');
});
