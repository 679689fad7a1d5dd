import { describe, expect, it } from 'vitest';
import type { Advice } from '../advice/advice.js';
import type { TableFacts } from '../advice/facts.js';
import { MAINTENANCE_KINDS, stepsFor, type StepOptions } from './steps.js';

const advice = (kind: Advice['kind'], subject: string) => ({ kind, subject }) as Advice;
const table = (name: string, isPartitioned = false, deadRows = 5) => ({ name, isPartitioned, deadRows }) as TableFacts;
const TABLES = [table('orders'), table('transfers', true), table('transfers_202611')];
const statements = (advices: Advice[], options: Partial<StepOptions> = {}) =>
  stepsFor(advices, TABLES, { kinds: MAINTENANCE_KINDS, all: false, ...options }).map((step) => step.statement);

describe('maintenance', () => {
  it('does what was advised, statistics first and indexes last, and nothing that blocks', () => {
    expect(
      statements([
        advice('bloated_index', 'orders_pkey'),
        advice('bloated_table', 'orders'),
        advice('stale_statistics', 'orders'),
        advice('wraparound', 'transfers_202611'),
        advice('unused_index', 'orders_idle'),
        advice('missing_index', 'orders (a)'),
      ]),
    ).toEqual([
      'vacuum (freeze, analyze) transfers_202611',
      'analyze orders',
      'vacuum (analyze) orders',
      'reindex index concurrently orders_pkey',
    ]);
  });

  it('vacuums no table again that is mostly air and has no dead rows', () => {
    const options = { kinds: MAINTENANCE_KINDS, all: false };
    expect(stepsFor([advice('bloated_table', 'orders')], [table('orders', false, 0)], options)).toEqual([]);
  });

  it('of all tables takes partitions and not what they are partitions of, and freezes none twice', () => {
    expect(statements([advice('wraparound', 'orders')], { all: true, kinds: ['vacuum'] })).toEqual([
      'vacuum (freeze, analyze) orders',
      'vacuum (analyze) transfers_202611',
    ]);
  });

  it('does only what was asked for', () => {
    expect(statements([advice('stale_statistics', 'orders')], { kinds: ['reindex'] })).toEqual([]);
    expect(statements([])).toEqual([]);
  });
});
