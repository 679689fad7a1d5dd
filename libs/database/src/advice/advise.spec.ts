import { describe, expect, it } from 'vitest';
import { LIMITS, sizeText, type Advice } from './advice.js';
import { advise, proven } from './advise.js';
import type { DatabaseFacts, IndexFacts, ScanFacts, StatementFacts, TableFacts } from './facts.js';

const NOW = new Date('2026-11-26T12:00:00Z');
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000);
const MB = 1024 * 1024;

const table = (more: Partial<TableFacts> = {}): TableFacts => ({
  name: 'orders',
  partitionOf: null,
  isPartitioned: false,
  partitionKey: [],
  columns: ['id', 'tenant_id', 'reference', 'created_at'],
  rows: 100_000,
  bytes: 10 * MB,
  indexBytes: 4 * MB,
  expectedBytes: 9 * MB,
  deadRows: 0,
  changedRows: 0,
  analyzedAt: daysAgo(1),
  vacuumedAt: daysAgo(1),
  isAutovacuumed: true,
  sequentialScans: 0,
  sequentialRows: 0,
  indexScans: 5_000,
  xidAge: 1_000_000,
  ...more,
});
const index = (name: string, columns: readonly string[], more: Partial<IndexFacts> = {}): IndexFacts => ({
  name,
  table: 'orders',
  partOf: null,
  isPartitioned: false,
  columns,
  traits: columns.map(() => '1978/0/0'),
  included: [],
  predicate: null,
  method: 'btree',
  isUnique: false,
  backsConstraint: false,
  isValid: true,
  scans: 500,
  bytes: 4 * MB,
  expectedBytes: 3 * MB,
  ...more,
});
const primary = index('orders_pkey', ['id'], { isUnique: true, backsConstraint: true });
const scan = (more: Partial<ScanFacts> = {}): ScanFacts => ({
  table: 'orders',
  isSequential: true,
  isWasteful: true,
  compared: [],
  keptRows: 1,
  isFolded: false,
  partitions: null,
  ...more,
});
const statement = (name: string, more: Partial<StatementFacts> = {}): StatementFacts => ({
  name,
  text: `select a from ${name}`,
  calls: 100,
  rows: 100,
  mean_ms: 20,
  total_ms: 2_000,
  plannedRows: 1,
  scans: [],
  ...more,
});
const facts = (more: Partial<DatabaseFacts> = {}): DatabaseFacts => ({
  at: NOW,
  since: daysAgo(30),
  uncounted: undefined,
  bytes: 20 * MB,
  freezeAgeMax: 200_000_000,
  tables: [table()],
  indexes: [primary],
  statements: [],
  ...more,
});
const told = (more: Partial<DatabaseFacts>) => advise(facts(more)).map(({ kind, subject }) => `${kind} ${subject}`);
const equal = (...columns: string[]) => columns.map((column) => ({ column, isEquality: true }));

it('nothing is advised on a base that is well', () => {
  const statements = [statement('spec.find', { scans: [scan({ isSequential: false, isWasteful: false })] })];
  expect(told({ statements, indexes: [primary, index('orders_reference', ['tenant_id', 'reference'])] })).toEqual([]);
});

describe('indexes', () => {
  const ab = index('ab', ['a', 'b']);
  it.each<[string, IndexFacts[], string[]]>([
    ['the same columns twice: the later name goes', [ab, index('zz', ['a', 'b'])], ['duplicate_index zz']],
    ['the beginning of another', [ab, index('a', ['a'])], ['duplicate_index a']],
    ['a unique one stays, though another begins like it', [ab, index('a', ['a'], { isUnique: true })], []],
    ['beside a unique one', [index('u', ['a', 'b'], { isUnique: true }), ab], ['duplicate_index ab']],
    [
      'two unique ones',
      [index('u', ['a'], { isUnique: true }), index('v', ['a'], { isUnique: true })],
      ['duplicate_index v'],
    ],
    ['a constraint stands on it', [ab, index('zz', ['a', 'b'], { backsConstraint: true })], ['duplicate_index ab']],
    ['another order of columns', [ab, index('ba', ['b', 'a'])], []],
    ['another predicate', [ab, index('part', ['a'], { predicate: '(b > 0)' })], []],
    ['another operator class', [ab, index('text', ['a'], { traits: ['1994/100/0'] })], []],
    ['another table', [ab, index('a', ['a'], { table: 'lines' })], []],
    ['another method', [ab, index('hash', ['a'], { method: 'hash' })], []],
    ['columns that the other does not bring', [ab, index('a', ['a'], { included: ['c'] })], []],
    [
      'columns that the other brings too',
      [index('abc', ['a', 'b'], { included: ['c'] }), index('a', ['a'], { included: ['c'] })],
      ['duplicate_index a'],
    ],
    ['the other is not valid', [index('ab', ['a', 'b'], { isValid: false }), index('a', ['a'])], ['invalid_index ab']],
    ['not used', [index('idle', ['a'], { scans: 0 })], ['unused_index idle']],
    ['not used, and unique', [index('idle', ['a'], { scans: 0, isUnique: true })], []],
    ['a part of another', [index('part', ['a'], { scans: 0, partOf: 'whole' })], []],
    ['mostly air', [index('air', ['a'], { bytes: 100 * MB })], ['bloated_index air']],
    ['half full, and small', [index('air', ['a'], { bytes: 10 * MB })], []],
    ['of unknown content', [index('air', ['a'], { bytes: 100 * MB, expectedBytes: null })], []],
  ])('%s', (_, indexes, expected) => {
    expect(told({ indexes: [primary, ...indexes] })).toEqual(expected);
  });

  it('are not called unused before they were watched for a week, and their table was read', () => {
    const indexes = [primary, index('idle', ['a'], { scans: 0 })];
    expect(told({ indexes, since: daysAgo(6) })).toEqual([]);
    expect(told({ indexes, tables: [table({ indexScans: 999 })] })).toEqual([]);
  });

  it('of a partitioned table are dropped with all their parts, which no server does concurrently', () => {
    const indexes = [primary, index('idle', ['a'], { scans: 0, isPartitioned: true })];
    const [advice] = advise(facts({ indexes }));
    expect(advice?.statements).toEqual([`set lock_timeout = '2s'`, 'drop index idle']);
    expect(advice?.lock).toMatch(/^ACCESS EXCLUSIVE/);
  });
});

describe('tables', () => {
  it.each<[string, Partial<TableFacts>, string[]]>([
    ['many rows changed long ago', { changedRows: 40_000 }, ['stale_statistics orders']],
    ['many rows changed a moment ago', { changedRows: 40_000, analyzedAt: new Date(NOW.getTime() - 60_000) }, []],
    [
      'the same where autovacuum is off',
      { changedRows: 40_000, analyzedAt: NOW, isAutovacuumed: false },
      ['stale_statistics orders'],
    ],
    ['few of many rows changed', { changedRows: 20_000 }, []],
    ['never analyzed', { changedRows: 100_000, analyzedAt: null }, ['stale_statistics orders']],
    ['dead rows', { deadRows: 50_000 }, ['vacuum_debt orders']],
    ['few dead rows', { deadRows: 9_000 }, []],
    ['dead rows and air: one remedy', { deadRows: 50_000, bytes: 100 * MB }, ['bloated_table orders']],
    ['a small table', { bytes: 2 * MB, expectedBytes: MB / 8 }, []],
    ['old rows', { xidAge: 300_000_000 }, ['wraparound orders']],
    ['rows that the server is about to freeze', { xidAge: 250_000_000 }, []],
    ['a partitioned table has no rows of its own', { isPartitioned: true, changedRows: 90_000, deadRows: 90_000 }, []],
  ])('%s', (_, more, expected) => {
    expect(told({ tables: [table(more)] })).toEqual(expected);
  });

  it('wrap-around comes before all else', () => {
    expect(told({ tables: [table({ changedRows: 90_000 }), table({ name: 'old', xidAge: 400_000_000 })] })[0]).toBe(
      'wraparound old',
    );
  });

  it('name the statements whose plans are misled', () => {
    const misled = statement('spec.misled', { rows: 500_000, plannedRows: 10, scans: [scan({ isWasteful: false })] });
    const right = statement('spec.right', { rows: 100, plannedRows: 2, scans: [scan({ isWasteful: false })] });
    const [advice] = advise(facts({ tables: [table({ changedRows: 90_000 })], statements: [misled, right] }));
    expect(advice?.evidence).toMatch(/spec\.misled is planned for 10 rows and returns 5000$/);
  });
});

describe('statements', () => {
  const wanting = (more: Partial<ScanFacts>, of: Partial<StatementFacts> = {}) => [
    statement('spec.find', { scans: [scan(more)], ...of }),
  ];
  const byReference = { compared: equal('tenant_id', 'reference') };

  it.each<[string, Partial<DatabaseFacts>, string[]]>([
    [
      'reads a table for one row',
      { statements: wanting(byReference) },
      ['missing_index orders (tenant_id, reference)'],
    ],
    ['reads a small table', { statements: wanting(byReference), tables: [table({ rows: 9_000 })] }, []],
    ['is seldom executed', { statements: wanting(byReference, { calls: 19 }) }, []],
    ['is quick enough', { statements: wanting(byReference, { mean_ms: 0.5 }) }, []],
    ['keeps a good part of the table', { statements: wanting({ ...byReference, keptRows: 6_000 }) }, []],
    [
      'has an index that the planner does not want',
      { statements: wanting(byReference), indexes: [index('there', ['reference', 'tenant_id', 'id'])] },
      [],
    ],
    [
      'has an index that is broken',
      { statements: wanting(byReference), indexes: [index('there', ['tenant_id', 'reference'], { isValid: false })] },
      ['missing_index orders (tenant_id, reference)', 'invalid_index there'],
    ],
    [
      'has its columns behind another',
      { statements: wanting(byReference), indexes: [index('turned', ['created_at', 'tenant_id', 'reference'])] },
      ['wrong_column_order turned'],
    ],
    [
      'compares a range',
      { statements: wanting({ compared: [{ column: 'created_at', isEquality: false }, ...equal('tenant_id')] }) },
      ['missing_index orders (tenant_id, created_at)'],
    ],
    ['reads all for a few', { statements: wanting({}, { rows: 1_000 }) }, ['sequential_scan spec.find on orders']],
    ['reads all for a sum', { statements: wanting({ isFolded: true }) }, []],
    ['returns all', { statements: wanting({}, { rows: 10_000_000 }) }, []],
    [
      'looks into all partitions',
      { statements: wanting({ isWasteful: false, partitions: { read: 6, all: 6, isKeyNamed: false } }) },
      ['pruning_miss spec.find on orders'],
    ],
    [
      'looks into all partitions, of a moment in all',
      {
        statements: wanting(
          { isWasteful: false, partitions: { read: 6, all: 6, isKeyNamed: false } },
          { calls: 25, mean_ms: 1.5 },
        ),
      },
      [],
    ],
    [
      'joins on the key of all partitions',
      { statements: wanting({ isWasteful: false, partitions: { read: 6, all: 6, isKeyNamed: true } }) },
      [],
    ],
    [
      'looks into some partitions',
      { statements: wanting({ isWasteful: false, partitions: { read: 2, all: 6, isKeyNamed: false } }) },
      [],
    ],
    [
      'looks into both partitions',
      { statements: wanting({ isWasteful: false, partitions: { read: 2, all: 2, isKeyNamed: false } }) },
      [],
    ],
  ])('%s', (_, more, expected) => {
    expect(told(more)).toEqual(expected);
  });

  it('that want the same index are told together', () => {
    const [advice, ...others] = advise(
      facts({ statements: [...wanting(byReference), statement('spec.other', { scans: [scan(byReference)] })] }),
    );
    expect(others).toEqual([]);
    expect(advice?.evidence).toMatch(/spec\.find .*; spec\.other /);
  });

  it('on a partitioned table get their index part by part', () => {
    const parts = ['orders_1', 'orders_2'].map((name) => table({ name, partitionOf: 'orders' }));
    const [advice] = advise(
      facts({
        tables: [table({ isPartitioned: true }), ...parts],
        statements: wanting({ compared: equal('reference') }),
      }),
    );
    expect(advice?.statements).toEqual([
      'create index orders_reference_idx on only orders (reference)',
      'create index concurrently orders_1_reference_idx on orders_1 (reference)',
      'alter index orders_reference_idx attach partition orders_1_reference_idx',
      'create index concurrently orders_2_reference_idx on orders_2 (reference)',
      'alter index orders_reference_idx attach partition orders_2_reference_idx',
    ]);
  });

  const list = statement('spec.list', { calls: 50, rows: 1_000 });
  it.each<[string, StatementFacts[], string[]]>([
    ['one for each row', [list, statement('spec.one', { calls: 1_000, rows: 990 })], ['repeated_statement spec.one']],
    [
      'as often as the catalogue has rows',
      [
        statement('spec.list', {
          calls: 3,
          rows: 1_000,
          text: 'select x.relname from pg_index i join pg_class x on true',
        }),
        statement('spec.one', { calls: 1_000, rows: 990 }),
      ],
      [],
    ],
    ['another number', [list, statement('spec.one', { calls: 800, rows: 800 })], []],
    ['one that returns several rows', [list, statement('spec.one', { calls: 1_000, rows: 3_000 })], []],
    [
      'a write for each row',
      [list, statement('spec.one', { calls: 1_000, rows: 1_000, text: 'insert into a values ($1)' })],
      [],
    ],
    [
      'a list of few rows each',
      [statement('spec.list', { calls: 500, rows: 1_000 }), statement('spec.one', { calls: 1_000, rows: 990 })],
      [],
    ],
  ])('executed %s', (_, statements, expected) => {
    expect(told({ statements })).toEqual(expected);
  });
});

describe('an index that was tried out', () => {
  const advice = { kind: 'missing_index', gain: 'one row' } as Advice;
  it('is told with what it brought, dropped where it brings less than half, and left as it is where nobody tried', () => {
    expect(proven(advice, { costBefore: 5_000, costAfter: 10 })?.gain).toBe(
      "one row; tried out, the planner's cost falls from 5000 to 10 (500 times less)",
    );
    expect(proven(advice, { costBefore: 100, costAfter: 51 })).toBeUndefined();
    expect(proven(advice, undefined)).toBe(advice);
  });
});

it('sizes are told in the unit that fits', () => {
  expect([0, 512, 8_192, 16 * MB, 3.5 * 1024 * MB].map(sizeText)).toEqual(['0 B', '512 B', '8 kB', '16 MB', '3.5 GB']);
  expect(LIMITS.observed_s_min).toBe(604_800);
});
