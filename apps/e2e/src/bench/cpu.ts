import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const MICROSECONDS_PER_TICK = 1_000_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU time of a process and all its descendants so far, µs (utime + stime of /proc, children that ended included). */
export function treeCpu_us(pid: number): number {
  return [pid, ...descendants(pid)].reduce((sum, each) => sum + ownCpu_us(each), 0);
}

/** utime, stime, cutime, cstime: the 14th to 17th field of stat, counted from the pid; what comes first is cut off with the name. */
function ownCpu_us(pid: number): number {
  const stat = contentOf(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * MICROSECONDS_PER_TICK;
}

function descendants(pid: number): number[] {
  const children = contentOf(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean).map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** Empty where the process is gone. */
function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
