import { expect, it } from 'vitest';
import { metricSamples } from './metrics-text.js';

const TEXT = `# HELP messages_total Messages.
# TYPE messages_total counter
messages_total{group="ledger.commands",outcome="applied"} 42
messages_total{group="a \\"quoted\\" one",outcome="x"} 1e3 1700000000
messages_total_other 7
oldest_seconds 0.25
broken_seconds NaN
`;

it('reads the samples of one metric', () => {
  expect(metricSamples(TEXT, 'messages_total')).toEqual([
    { labels: { group: 'ledger.commands', outcome: 'applied' }, value: 42 },
    { labels: { group: 'a \\"quoted\\" one', outcome: 'x' }, value: 1_000 },
  ]);
  expect(metricSamples(TEXT, 'oldest_seconds')).toEqual([{ labels: {}, value: 0.25 }]);
  expect(metricSamples(TEXT, 'broken_seconds')).toEqual([]);
  expect(metricSamples(TEXT, 'absent')).toEqual([]);
});
