import { provisionTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Unnested, type BulkColumn } from './bulk.js';
import { copyRows } from './copy.js';
import { SqlMigration } from './migration.js';
import type { Rights } from './rights.js';
import { statement } from './statement.js';

class Bulk1764100049005 extends SqlMigration {
  readonly sql = `
create table parcels (id uuid, live boolean, small smallint, number integer primary key, amount bigint, note text, day date, at timestamptz,
  bytes bytea, data json);`;
}
const RIGHTS: Rights = { parcels: { delete: true } };

interface Parcel {
  readonly number: number;
  readonly isEmpty: boolean;
}

const ID = '01990000-0000-7000-8000-000000000001';
const NOTE = 'tab\tline\nreturn\r quote" back\\slash {braces}, NULL \\N é';
const unless = <T>(isEmpty: boolean, value: T): T | null => (isEmpty ? null : value);
const COLUMNS: readonly BulkColumn<Parcel>[] = [
  ['number', 'integer', ({ number }) => number],
  ['id', 'uuid', ({ isEmpty }) => unless(isEmpty, ID)],
  ['live', 'boolean', ({ isEmpty }) => unless(isEmpty, false)],
  ['small', 'smallint', ({ isEmpty }) => unless(isEmpty, 7)],
  ['amount', 'bigint', ({ isEmpty }) => unless(isEmpty, 9_007_199_254_740_993n)],
  ['note', 'text', ({ isEmpty }) => unless(isEmpty, NOTE)],
  ['day', 'date', ({ isEmpty }) => unless(isEmpty, '2028-02-29')],
  ['at', 'timestamptz', ({ isEmpty }) => unless(isEmpty, new Date('2026-11-26T01:02:03.004Z'))],
  ['bytes', 'bytea', ({ isEmpty }) => unless(isEmpty, Buffer.from([0, 92, 255]))],
  ['data', 'json', ({ number }) => JSON.stringify({ number, text: NOTE })],
];
const PARCELS = new Unnested(COLUMNS);
const INSERT = statement(
  'spec.insert-parcels',
  `insert into parcels (${PARCELS.names}) select * from ${PARCELS.from()}`,
);
const ALL = statement('spec.parcels', 'select *, day::text as day from parcels order by number');

let db: TestDatabase;
beforeAll(async () => {
  db = await provisionTestDatabase('spec', [Bulk1764100049005, RIGHTS], 2);
});
afterAll(() => db.drop());

const rowsThere = async () => {
  const rows = await db.database.rows(ALL);
  await db.database.count(statement('spec.delete-parcels', 'delete from parcels'));
  return rows;
};
const some = [
  { number: 1, isEmpty: false },
  { number: 2, isEmpty: true },
];
const FULL = {
  number: 1,
  id: ID,
  live: false,
  small: 7,
  amount: 9_007_199_254_740_993n,
  note: NOTE,
  day: '2028-02-29',
  at: new Date('2026-11-26T01:02:03.004Z'),
  bytes: Buffer.from([0, 92, 255]),
  data: { number: 1, text: NOTE },
};
const EMPTY = {
  number: 2,
  id: null,
  live: null,
  small: null,
  amount: null,
  note: null,
  day: null,
  at: null,
  bytes: null,
  data: { number: 2, text: NOTE },
};

describe('rows of every type', () => {
  it('arrive by unnest as they are', async () => {
    for (const values of PARCELS.batches(some)) await db.database.count(INSERT, values);
    expect(await rowsThere()).toEqual([FULL, EMPTY]);
  });

  it('arrive by COPY as they are', async () => {
    expect(await copyRows(db.url, { table: 'parcels', columns: COLUMNS }, some)).toBe(2);
    expect(await rowsThere()).toEqual([FULL, EMPTY]);
  });

  it('arrive in more statements than one where there are many', async () => {
    const many = Array.from({ length: 25_000 }, (_, number) => ({ number, isEmpty: true }));
    const batches = [...PARCELS.batches(many)];
    expect(batches).toHaveLength(3);
    await db.database.transaction(async (tx) => {
      const counts = await Promise.all(batches.map((values) => tx.count(INSERT, values)));
      expect(counts).toEqual([10_000, 10_000, 5_000]);
    });
    expect(await rowsThere()).toHaveLength(25_000);
  });

  it('arrive by COPY all or not at all, and a stream that fails is told', async () => {
    async function* broken() {
      for (let number = 1; number <= 5_000; number++) yield { number, isEmpty: false };
      throw new Error('the source ended');
    }
    await expect(copyRows(db.url, { table: 'parcels', columns: COLUMNS }, broken())).rejects.toThrow(
      'the source ended',
    );
    const twice = [...some, some[0] as Parcel];
    await expect(copyRows(db.url, { table: 'parcels', columns: COLUMNS }, twice)).rejects.toMatchObject({
      code: '23505',
    });
    expect(await rowsThere()).toEqual([]);
  });
});
