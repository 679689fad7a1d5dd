import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const MICROSECONDS_PER_TICK = 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU time of a process and all its descendants so far, µs (utime + stime of /proc, children that ended included). */
export function treeCpu_us(pid: number): number {
  return [pid, ...descendants(pid)].reduce((sum, each) => sum + cpu_us(each), 0);
}

function cpu_us(pid: number): number {
  const fields = statFields(pid);
  if (!fields) return 0;
  // utime, stime, cutime, cstime: the 14th to 17th field, counted from the pid; the first two are cut off with the name.
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * MICROSECONDS_PER_TICK;
}

function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
    return children.flatMap((child) => [child, ...descendants(child)]);
  } catch {
    return [];
  }
}

function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** More than 30 % between least and most: read with care. */
  readonly noisy: boolean;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const [min, max] = [sorted[0] ?? 0, sorted.at(-1) ?? 0];
  return { median, min, max, noisy: median > 0 && (max - min) / median > 0.3 };
}

export function format({ median, min, max, noisy }: Spread, digits = 0): string {
  const show = (value: number) => value.toLocaleString('en', { maximumFractionDigits: digits });
  return `${show(median)} (${show(min)} to ${show(max)})${noisy ? ' noisy' : ''}`;
}
