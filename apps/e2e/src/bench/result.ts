import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { checkoutDir, defaultRoot } from '@payflow/local-stack';

/** Writes down what a benchmark measured, with commit and machine, and prints it as one line of JSON. */
export function saveResult(benchmark: string, size: string, measured: object): void {
  const commit = currentCommit();
  const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? '', node: process.version };
  const result = { benchmark, size, commit, at: new Date().toISOString(), machine, ...measured };
  const file = join(defaultRoot, 'bench', `${benchmark}-${size}-${commit}.json`);
  mkdirSync(join(defaultRoot, 'bench'), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

/** Absent where the code is no checkout. */
function currentCommit(): string {
  const { stdout } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: checkoutDir, encoding: 'utf8' });
  return (stdout ?? '').trim() || 'unknown';
}

export interface Range {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function rangeOf(values: readonly number[]): Range {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
}
