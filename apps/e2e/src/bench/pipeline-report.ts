import { table } from '../faults/scenario.js';
import type { Measured, Percentiles } from './pipeline-step.js';

const SHOWN_MAX = 10;

/** The figures as tables, and whether they count. */
export function printReport(
  { what, proof }: { what: string; proof: string },
  measured: readonly Measured[],
  broken: readonly string[],
): void {
  const figures = measured.map((step) => ({
    'planned/s': step.rate,
    'applied/s': step.applied_per_s,
    sent: step.sent,
    applied: step.applied,
    'commit p50/p99 ms': show(step.to_commit_ms),
    'answer p50/p99 ms': show(step.to_answer_ms),
    answers: counts(step.answers),
    shed: counts(step.shed),
    'CPU µs': sum(step.cpu_us),
    'WAL bytes': step.wal_bytes,
  }));
  const processes = measured.map((step) => ({ 'CPU µs at': `${step.rate}/s`, ...step.cpu_us, sum: sum(step.cpu_us) }));
  const verdict =
    broken.length === 0 ? proof : `INVARIANTS BROKEN, the figures are void:\n${broken.slice(0, SHOWN_MAX).join('\n')}`;
  process.stderr.write(
    `\n${what}: latency from the planned moment; CPU per payment, process trees\n${table(figures)}\n\n${table(processes)}\n\n${verdict}\n`,
  );
}

function counts(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([name, count]) => `${name}×${count}`)
    .join(' ');
}

function show({ p50, p99 }: Percentiles): string {
  return `${p50} / ${p99}`;
}

function sum(cpu: Readonly<Record<string, number>>): number {
  return Object.values(cpu).reduce((total, each) => total + each, 0);
}
