import { defineConfig } from 'vitest/config';
import { base } from './vitest.base.mts';

const OTHERS = ['**/node_modules/**', '**/dist/**'];

/** What changes a process: its environment, its clock, what it has metrics of; and what ends processes. */
const OWN_PROCESS = [
  '{libs,tools}/**/src/**/*.int.spec.ts',
  'deploy/**/*.int.spec.mjs',
  'apps/monitoring/src/**/*.int.spec.ts',
  'apps/gateway/src/{pool-storms,load/*}.int.spec.ts',
  'apps/payments/src/providers/{crash-points,dispute-janitor-killed}.int.spec.ts',
];

const test = { ...base.test, testTimeout: 60_000, hookTimeout: 60_000 };

/**
 * Integration tests: one service or library on real PostgreSQL, Kafka and Redis, given by PAYFLOW_TEST_*. A service leaves its
 * process as it was when it is stopped, so files about one run one after the other in the same processes: the code that they share
 * is read and compiled once, which takes nearly half of their time away.
 */
export default defineConfig({
  test: {
    // Two side by side leave half of two cores idle, waiting for servers and timers; three took a quarter less time, four little more.
    maxWorkers: 3,
    projects: [
      { ...base, test: { ...test, name: 'own process', include: OWN_PROCESS, exclude: OTHERS } },
      {
        ...base,
        test: {
          ...test,
          name: 'services',
          include: ['apps/*/src/**/*.int.spec.ts'],
          exclude: [...OTHERS, ...OWN_PROCESS],
          isolate: false,
        },
      },
    ],
  },
});
