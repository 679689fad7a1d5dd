import { expect, it } from 'vitest';
import { OncePerInterval } from './once-per-interval.js';

it('lets one report through per interval and tells how many it swallowed', () => {
  const seldom = new OncePerInterval(60_000);
  const reports: number[] = [];
  for (const now of [0, 1, 59_999, 60_000, 60_001, 120_001]) seldom.run((suppressed) => reports.push(suppressed), now);
  expect(reports).toEqual([0, 2, 1]);
});
