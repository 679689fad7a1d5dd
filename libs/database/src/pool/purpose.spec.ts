import { expect, it } from 'vitest';
import { PURPOSES, divide } from './purpose.js';

const SHARES = { api: 4, consumers: 4, relay: 1, reports: 3 };

it('divides by shares', () => {
  expect(divide(12, SHARES)).toEqual({ api: 4, consumers: 4, relay: 1, reports: 3 });
  expect(divide(24, SHARES)).toEqual({ api: 8, consumers: 8, relay: 2, reports: 6 });
});

it('gives each purpose one, whatever its share', () => {
  expect(divide(4, SHARES)).toEqual({ api: 1, consumers: 1, relay: 1, reports: 1 });
  expect(divide(6, { api: 1, consumers: 100, relay: 1, reports: 1 })).toMatchObject({ consumers: 3 });
});

it('divides nothing where there are too few', () => {
  expect(divide(3, SHARES)).toBeUndefined();
});

it('gives out all there are, and no more', () => {
  for (let connections = PURPOSES.length; connections <= 200; connections++) {
    const sizes = divide(connections, SHARES) as Record<string, number>;
    expect(Object.values(sizes).reduce((sum, size) => sum + size, 0)).toBe(connections);
  }
});
