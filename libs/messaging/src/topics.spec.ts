import { expect, it } from 'vitest';
import { topicsToCreate } from './topics.js';

const DAY_MS = 86_400_000;

/** The broker drops whole segments, and none before its youngest record is old enough. */
it('no record outlives its retention by more than a day', () => {
  const topics = topicsToCreate('single', 3);
  expect(topics.length).toBeGreaterThan(0);
  for (const { settings } of topics) expect(Number(settings['segment.ms'])).toBeLessThanOrEqual(DAY_MS);
});
