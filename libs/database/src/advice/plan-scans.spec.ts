import { describe, expect, it } from 'vitest';
import type { PlanNode } from '../care/explain.js';
import { comparedIn, scansOf, type KnownTable } from './plan-scans.js';

const COLUMNS = ['tenant_id', 'reference', 'created_at', 'status'];
const node = (type: string, more: Partial<PlanNode> = {}): PlanNode => ({
  'Node Type': type,
  'Plan Rows': 10,
  'Total Cost': 100,
  ...more,
});
const known = (relation: string): KnownTable | undefined =>
  relation.startsWith('transfers')
    ? { table: 'transfers', columns: COLUMNS, siblings: 3, key: ['created_at'] }
    : relation === 'things'
      ? { table: 'things', columns: COLUMNS, siblings: 0, key: [] }
      : undefined;

describe('the columns that a filter compares', () => {
  it.each([
    ['((tenant_id = $1) AND (reference = $2))', ['tenant_id =', 'reference =']],
    ["((t.reference)::text = 'x'::text)", ['reference =']],
    ['(reference = ANY ($1))', ['reference =']],
    ['((created_at >= $1) AND (created_at < $2) AND (status = $3))', ['created_at <', 'status =']],
    ['((status = $1) OR (reference = $2))', []],
    ['(other = $1)', []],
    [undefined, []],
  ])('%s', (filter, expected) => {
    const compared = comparedIn(filter, COLUMNS).map(({ column, isEquality }) => `${column} ${isEquality ? '=' : '<'}`);
    expect(compared).toEqual(expected);
  });
});

describe('what a plan reads', () => {
  it('is told per table, whatever stands above it', () => {
    const seq = node('Seq Scan', { 'Relation Name': 'things', Filter: '(reference = $1)' });
    const plan = node('Limit', { Plans: [node('Sort', { Plans: [seq] })] });
    expect(scansOf(plan, plan, known)).toEqual([
      {
        table: 'things',
        isSequential: true,
        isWasteful: true,
        compared: [{ column: 'reference', isEquality: true }],
        keptRows: 10,
        isFolded: false,
        partitions: null,
      },
    ]);
  });

  it('is wasteful where an index leads to much that a filter throws away, and not for a few rows or under a limit', () => {
    const scan = node('Bitmap Heap Scan', {
      'Relation Name': 'things',
      Filter: '(reference = $2)',
      'Total Cost': 900,
      Plans: [node('Bitmap Index Scan', { 'Index Cond': '(tenant_id = $1)' })],
    });
    expect(scansOf(scan, scan, known)).toMatchObject([
      { isSequential: false, isWasteful: true, compared: [{ column: 'tenant_id' }, { column: 'reference' }] },
    ]);
    const few = { ...scan, 'Total Cost': 20 };
    const limited = node('Limit', { Plans: [scan] });
    for (const plan of [few, limited]) expect(scansOf(plan, plan, known)).toMatchObject([{ isWasteful: false }]);
  });

  it('is folded under an aggregate', () => {
    const plan = node('Aggregate', { Plans: [node('Seq Scan', { 'Relation Name': 'things' })] });
    expect(scansOf(plan, plan, known)[0]?.isFolded).toBe(true);
  });

  it('of partitions is told once, with how many are left when they are pruned', () => {
    const parts = ['transfers_202610', 'transfers_202611', 'transfers_202612'].map((name) =>
      node('Index Scan', { 'Relation Name': name }),
    );
    const all = node('Append', { Plans: parts });
    const one = node('Append', { Plans: parts.slice(0, 1) });
    expect(scansOf(all, one, known)).toMatchObject([
      { table: 'transfers', isSequential: false, keptRows: 30, partitions: { read: 1, all: 3, isKeyNamed: false } },
    ]);
    expect(scansOf(all, all, known)[0]?.partitions).toEqual({ read: 3, all: 3, isKeyNamed: false });
    const joined = node('Nested Loop', {
      Plans: [node('Index Scan', { 'Relation Name': 'transfers_202610', 'Index Cond': '(created_at = a.created_at)' })],
    });
    expect(scansOf(joined, joined, known)[0]?.partitions).toEqual({ read: 1, all: 3, isKeyNamed: true });
  });

  it('of a system table is nobody’s concern', () => {
    const plan = node('Seq Scan', { 'Relation Name': 'pg_class' });
    expect(scansOf(plan, plan, known)).toEqual([]);
  });
});
