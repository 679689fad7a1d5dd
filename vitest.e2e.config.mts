import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { base } from './vitest.base.mts';

const test = {
  ...base.test,
  exclude: ['**/node_modules/**', '**/dist/**'],
  testTimeout: 180_000,
  // A house takes 20 s to stand; three at once, on a machine that is busy with something else, have taken two minutes.
  hookTimeout: 300_000,
  // Cells that run side by side wait for their providers most of the time, and two cores have the rest to do.
  maxConcurrency: 6,
  // Each house starts the same five services: a sixth of what that takes is compiling them.
  env: { NODE_COMPILE_CACHE: join(import.meta.dirname, '.payflow', 'cache', 'compile') },
};

/** What takes longest, most of it waiting. Begun last, it would be waited for by all. */
const LONGEST = [
  'outcomes',
  'partitions',
  'card-payments',
  'card-lives',
  'card-routes',
  'bulks',
  'copies',
  'statements',
  'cache',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.e2e.spec.ts`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

/** In short these judge how soon something is answered, or what a machine can do: nobody else works beside them. */
const ALONE = ['apps/e2e/src/faults/{dependencies,overload}.e2e.spec.ts'];

/**
 * All five services as processes on the real stack, each file with a house of its own, which nobody else's deaths and faults
 * reach: where servers are killed, they are the file's own. What only watches a house mostly waits, three side by side; what
 * ends processes, two.
 */
export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        ...base,
        test: {
          ...test,
          name: 'flow',
          include: ['apps/e2e/src/{flow,conformance}/**/*.e2e.spec.ts'],
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...base,
        test: {
          ...test,
          name: 'faults',
          include: ['apps/e2e/src/faults/**/*.e2e.spec.ts'],
          exclude: [...test.exclude, ...ALONE],
          maxWorkers: 2,
          testTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...base,
        test: { ...test, name: 'alone', include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
