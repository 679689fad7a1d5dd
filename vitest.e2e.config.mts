import { defineConfig } from 'vitest/config';
import { base } from './vitest.base.mts';

/** Flow tests: all five services as processes on the real stack. One file at a time: each brings up the whole house. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['apps/e2e/src/**/*.e2e.spec.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
