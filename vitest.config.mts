import { defineConfig } from 'vitest/config';
import { base } from './vitest.base.mts';

/** What is set for a whole process here, tracing, breakers and gauges, no other file may have touched. */
const OWN_PROCESS = [
  'libs/telemetry/src/tracing.spec.ts',
  'libs/service/src/run-service.spec.ts',
  'libs/service/src/http/tls-connections.spec.ts',
];
// The version that benchmarks are held against is checked out beneath, with specs of its own.
const OTHERS = ['.payflow/**', '**/*.int.spec.*', '**/*.e2e.spec.ts', '**/node_modules/**', '**/dist/**'];

/**
 * Unit tests: pure, in milliseconds, no servers. Half of their time went into loading the same modules for each file; what is pure
 * leaves nothing behind, so the files that a worker runs share them.
 */
export default defineConfig({
  test: {
    projects: [
      {
        ...base,
        test: {
          ...base.test,
          name: 'unit',
          include: ['**/src/**/*.spec.ts', '{tools/launcher,deploy}/**/*.spec.mjs'],
          exclude: [...OTHERS, ...OWN_PROCESS],
          isolate: false,
        },
      },
      { ...base, test: { ...base.test, name: 'process', include: OWN_PROCESS, exclude: OTHERS } },
    ],
  },
});
