import { provisionTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SqlMigration } from './migration.js';
import { SideBySide } from './side-by-side.js';
import { statement } from './statement.js';

class Shelves1764100049011 extends SqlMigration {
  readonly sql = `
create table shelves (id integer primary key, weight bigint not null, at timestamptz);
insert into shelves values (1, 9007199254740993, '2026-01-02T03:04:05Z'), (2, 5, null), (3, 7, null);`;
}

const BOTH = new SideBySide({
  heavy: {
    columns: ['id', 'weight', 'at'],
    width: 1,
    sql: (first) =>
      `with held as materialized (select * from shelves where weight > $${first} order by id for update) select * from held`,
  },
  numbers: {
    columns: ['id'],
    width: 2,
    sql: (first) => `select generate_series($${first}::int, $${first + 1}::int) as id`,
  },
  none: { columns: ['id'], width: 0, sql: () => 'select id from shelves where false' },
});
const LOAD = statement('spec.side-by-side', BOTH.text);

let db: TestDatabase;
beforeAll(async () => {
  db = await provisionTestDatabase('spec', [Shelves1764100049011, { shelves: { update: ['weight'] } }]);
});
afterAll(() => db.drop());

it('answers each question by itself, with the types of its columns', async () => {
  const { heavy, numbers, none } = BOTH.split(await db.database.rows(LOAD, [6, 1, 3]));
  expect(heavy).toHaveLength(2);
  expect(heavy).toContainEqual({ id: 1, weight: 9_007_199_254_740_993n, at: new Date('2026-01-02T03:04:05Z') });
  expect(heavy).toContainEqual({ id: 3, weight: 7n, at: null });
  expect(numbers.map(({ id }) => id).sort()).toEqual([1, 2, 3]);
  expect(none).toEqual([]);
});

it('answers nothing where none has anything', async () => {
  const all = BOTH.split(await db.database.rows(LOAD, ['9223372036854775807', 1, 0]));
  expect(all).toEqual({ heavy: [], numbers: [], none: [] });
});
