import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CRASH_POINTS } from './crash-points.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const isProduct = (path: string) => !/\.spec\.ts$|\/testing\/|^apps\/e2e\//.test(path);

it.each(CRASH_POINTS)('%s is passed somewhere in the product', (point) => {
  expect(sources.filter((source) => new RegExp(`(crashAt|isCrashArmed)\\('${point}'`).test(source))).not.toEqual([]);
});

const sources = globSync(['apps/*/src/**/*.ts', 'libs/*/src/**/*.ts'], { cwd: ROOT })
  .filter(isProduct)
  .map((path) => readFileSync(join(ROOT, path), 'utf8'));
