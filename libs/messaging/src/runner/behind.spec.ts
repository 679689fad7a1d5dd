import { expect, it } from 'vitest';
import type { RawRecord } from '../broker/port.js';
import { Behind } from './behind.js';

const record = (offset: number, timestamp: number): RawRecord => ({
  offset,
  timestamp: String(timestamp),
  key: null,
  value: null,
  headers: {},
});
const records = [record(5, 1_000), record(6, 2_000), record(9, 3_000)];

it('is as old as the oldest record that is not applied', () => {
  const behind = new Behind();
  expect(behind.at(10_000)).toBe(0);
  behind.waits(records);
  expect(behind.at(10_000)).toBe(9_000);
  behind.applied(records, 6, 10);
  expect(behind.at(10_000)).toBe(8_000);
  behind.applied(records, 10, 10);
  expect(behind.at(10_000)).toBe(0);
});

it('is at least as old as the last that came, where the log has more', () => {
  const behind = new Behind();
  behind.applied(records, 10, 500);
  expect(behind.at(10_000)).toBe(7_000);
  behind.forget();
  expect(behind.at(10_000)).toBe(0);
});

it('is never negative, though clocks differ', () => {
  const behind = new Behind();
  behind.waits(records);
  expect(behind.at(500)).toBe(0);
});
