import { defineConfig } from 'vitest/config';
import { base } from './vitest.base.mts';

/** Unit tests: pure, in milliseconds, no servers. */
export default defineConfig({
  ...base,
  test: {
    ...base.test,
    include: ['**/src/**/*.spec.ts', '{tools/launcher,deploy}/**/*.spec.mjs'],
    exclude: ['**/*.int.spec.*', '**/*.e2e.spec.ts', '**/node_modules/**', '**/dist/**'],
  },
});
