import { defineConfig } from 'vitest/config';
import { base } from './vitest.base.mts';

const test = {
  ...base.test,
  exclude: ['**/node_modules/**', '**/dist/**'],
  testTimeout: 180_000,
  hookTimeout: 120_000,
};

/**
 * All five services as processes on the real stack, each file with a house of its own. What only watches a house mostly waits,
 * two side by side; what ends processes, servers and connections has the machine to itself.
 */
export default defineConfig({
  test: {
    projects: [
      {
        ...base,
        test: {
          ...test,
          name: 'flow',
          include: ['apps/e2e/src/{flow,conformance}/**/*.e2e.spec.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...base,
        test: {
          ...test,
          name: 'faults',
          include: ['apps/e2e/src/faults/**/*.e2e.spec.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
