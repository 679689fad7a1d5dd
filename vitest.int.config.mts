import { defineConfig } from 'vitest/config';
import { base } from './vitest.base.mts';

/** Integration tests: one service or library on real PostgreSQL, Kafka and Redis, given by PAYFLOW_TEST_*. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['**/src/**/*.int.spec.ts', 'deploy/**/*.int.spec.mjs'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    // Two side by side leave half of two cores idle, waiting for servers and timers; three took a quarter less time, four little more.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
