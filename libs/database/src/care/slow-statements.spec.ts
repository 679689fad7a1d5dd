import { describe, expect, it } from 'vitest';
import { SlowStatements } from './slow-statements.js';
import type { StatementExecution } from './statement-events.js';

const took = (duration_ms: number, name = 'spec.one'): StatementExecution => ({
  name,
  text: 'select 1',
  duration_ms,
  rows: 1,
  error: undefined,
});

describe('slow statements', () => {
  it('are those at the threshold and above', () => {
    const slow = new SlowStatements(100);
    expect(slow.seen(took(99.9), 0)).toBeUndefined();
    expect(slow.seen(took(100), 0)).toMatchObject({ suppressed: 0, explain: true });
  });

  it('are told once a second each, with how many were left out', () => {
    const slow = new SlowStatements(100);
    const told = [0, 10, 999, 1_000, 1_001].map((now) => slow.seen(took(200), now)?.suppressed);
    expect(told).toEqual([0, undefined, undefined, 2, undefined]);
  });

  it('are explained once in ten minutes each, and one in a second of all', () => {
    const slow = new SlowStatements(100);
    const explained = (name: string, now: number) => slow.seen(took(200, name), now)?.explain;
    expect(explained('spec.one', 0)).toBe(true);
    expect(explained('spec.two', 500)).toBe(false);
    expect(explained('spec.two', 1_500)).toBe(true);
    expect(explained('spec.one', 599_999)).toBe(false);
    expect(explained('spec.one', 601_000)).toBe(true);
  });

  it('without a name are told apart by their text, and forgotten when there are too many', () => {
    const slow = new SlowStatements(100);
    const seen = (text: string) => slow.seen({ ...took(200), name: undefined, text }, 0);
    expect([seen('select a'), seen('select b')].every(Boolean)).toBe(true);
    expect(seen('select a')).toBeUndefined();
    for (let at = 0; at < 1_000; at++) seen(`select ${at}`);
    expect(seen('select a')).toBeDefined();
  });
});
