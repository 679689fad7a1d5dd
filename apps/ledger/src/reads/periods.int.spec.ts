import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { CommandsOf } from '../testing/commands.js';
import { Processes } from '../testing/processes.js';
import { periodList } from './periods.js';

let db: TestDatabase;
let processes: Processes;
const ours = new CommandsOf();
beforeAll(async () => {
  db = await createTestDatabase('ledger', migrations);
  // As in a database that was created in the language of its country.
  await db.tamper('alter table periods alter column month type text collate "en-US-x-icu"');
  processes = new Processes(db, 1);
  await processes.handle([ours.closePeriod('2025-06')]);
  await processes.handle([ours.closePeriod('2025-07')]);
});
afterAll(async () => {
  await processes.close();
  await db.drop();
});

it('lists months latest first, page by page, in whatever order the database has letters', async () => {
  const listed = async (after?: string) => {
    const page = (await periodList(db.database, ours, { limit: 1, after })) as {
      data: { id: string }[];
      next: string | null;
    };
    return [page.data.map(({ id }) => id), page.next];
  };
  expect(await listed()).toEqual([['2025-07'], '2025-07']);
  expect(await listed('2025-07')).toEqual([['2025-06'], null]);
});
