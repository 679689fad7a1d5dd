import { describe, expect, it } from 'vitest';
import { Sizing, type Sized } from './sizing.js';

const calm: Sized = { purpose: 'api', size: 4, floor: 4, open: 4, usage: 0.1, wait_p99_ms: 0.1, waiting: 0 };
const busy: Sized = { ...calm, usage: 0.99, wait_p99_ms: 60, waiting: 5 };
const reports = (more: Partial<Sized> = {}): Sized => ({
  ...calm,
  purpose: 'reports',
  size: 2,
  floor: 2,
  open: 2,
  ...more,
});
const changes = (sizing: Sizing, ...pools: Sized[]) => sizing.resize(pools).map(({ purpose, to }) => [purpose, to]);

describe('a pool', () => {
  it('that is waited for gets more, a few at a time and no more than there are', () => {
    expect(changes(new Sizing(12), busy, reports())).toEqual([['api', 6]]);
    expect(changes(new Sizing(7), busy, reports())).toEqual([['api', 5]]);
    expect(changes(new Sizing(6), busy, reports())).toEqual([]);
  });

  it.each([
    ['has connections free: the server is slow, not the pool', { ...busy, usage: 0.5 }],
    ['is in full use and not waited for', { ...calm, usage: 1 }],
    ['was waited for a moment', { ...calm, usage: 0.9, wait_p99_ms: 5 }],
  ])('gets none where it %s', (_, pool) => {
    expect(changes(new Sizing(12), pool, reports())).toEqual([]);
  });

  it('gives back what it was lent once it has not needed it for long, and never its own', () => {
    const sizing = new Sizing(12);
    const lent = { ...calm, size: 5, open: 5 };
    for (let round = 1; round < 30; round++) expect(changes(sizing, lent)).toEqual([]);
    expect(changes(sizing, lent)).toEqual([['api', 4]]);
    for (let round = 1; round < 100; round++) expect(changes(sizing, calm)).toEqual([]);
  });

  it('gives it back sooner where another waits', () => {
    const sizing = new Sizing(7);
    const lent = { ...calm, size: 5, open: 5 };
    const waiting = reports({ usage: 1, waiting: 3, wait_p99_ms: 30 });
    for (let round = 1; round < 5; round++) expect(changes(sizing, lent, waiting)).toEqual([]);
    expect(changes(sizing, lent, waiting)).toEqual([['api', 4]]);
  });

  it('keeps it while it would need it again at once', () => {
    const sizing = new Sizing(12);
    const used = { ...calm, size: 5, open: 5, usage: 0.45 };
    for (let round = 1; round < 100; round++) expect(changes(sizing, used)).toEqual([]);
  });
});

it('gives the one that waits longest its share first', () => {
  const waiting = reports({ usage: 1, waiting: 1, wait_p99_ms: 300 });
  expect(changes(new Sizing(7), busy, waiting)).toEqual([['reports', 3]]);
});

it('counts what is still open of a pool that was made smaller', () => {
  expect(changes(new Sizing(8), busy, reports({ open: 4 }))).toEqual([]);
});

it('says why', () => {
  expect(new Sizing(12).resize([busy])).toEqual([
    { purpose: 'api', from: 4, to: 6, reason: 'waited for: p99 60.0 ms, 5 still waiting, 99 % in use' },
  ]);
});
