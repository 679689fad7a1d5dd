import { METRICS } from '@payflow/contracts';
import { renderMetrics } from '@payflow/telemetry';
import { expect, it } from 'vitest';
import { showCounts } from './metrics.js';

it('stands at nought once it is gone, also a job that this version does not know', async () => {
  const dead = async () => {
    const { body } = await renderMetrics();
    return body.split('\n').filter((line) => line.startsWith(`${METRICS.jobs}{job="spec.of_before",state="dead"}`));
  };
  showCounts(['spec.known'], [{ name: 'spec.of_before', state: 'dead', jobs: 2, oldest_seconds: 0 }]);
  expect(await dead()).toEqual([`${METRICS.jobs}{job="spec.of_before",state="dead"} 2`]);
  showCounts(['spec.known'], []);
  expect(await dead()).toEqual([`${METRICS.jobs}{job="spec.of_before",state="dead"} 0`]);
});
