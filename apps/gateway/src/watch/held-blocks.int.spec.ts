import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { placeBlocks } from '../database/access-block.repository.js';
import { migrations } from '../database/index.js';
import { anAddress } from '../testing/watched.js';
import { Blocks } from './blocks.js';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

let db: TestDatabase;
let blocks: Blocks;
beforeAll(async () => {
  db = await createTestDatabase('gateway', migrations);
  blocks = new Blocks(db.database);
});
afterAll(() => db?.drop());
afterEach(() => void vi.useRealTimers());

async function blocked(duration_ms: number): Promise<string> {
  const subject = anAddress();
  const wish = { kind: 'address', subject, suspicion: 'unauthenticated_burst', count: 30, of: undefined } as const;
  await db.database.transaction((tx) => placeBlocks(tx, [wish], [duration_ms]));
  return subject;
}

it.each([
  ['right', 0],
  ['an hour ahead', HOUR_MS],
  ['an hour behind', -HOUR_MS],
])('holds for as long as the database says where the clock of the process is %s', async (_, off_ms) => {
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(Date.now() + off_ms);
  const [long, short] = [await blocked(MINUTE_MS), await blocked(500)];
  await blocks.load();
  const wait_s = Number(blocks.refusal('address', long)?.options.headers?.['retry-after']);
  expect(wait_s).toBeGreaterThan(30);
  expect(wait_s).toBeLessThanOrEqual(60);
  await until('the short one is over', () => blocks.refusal('address', short) === undefined);
  expect(blocks.refusal('address', long)).toMatchObject({ code: 'address_blocked' });
  vi.setSystemTime(Date.now() + 2 * HOUR_MS);
  expect(blocks.refusal('address', long)).toBeDefined();
});
