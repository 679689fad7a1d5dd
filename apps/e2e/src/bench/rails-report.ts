import { table } from '../faults/scenario.js';
import { printReport } from './pipeline-report.js';
import { percentiles, type Measured } from './pipeline-step.js';
import { rangeOf, saveResult } from './result.js';

export interface CardStep extends Measured {
  readonly sockets_max: number;
}

/** From the planned moment to the answer, ms, of the others' payments in one turn. */
interface Others {
  readonly internal: readonly number[];
  readonly cards: readonly number[];
}

/** The others alone, beside the second provider while it is quick, and beside it while it is slow. */
export interface Turn {
  readonly alone: Others;
  readonly quick: Others;
  readonly slow: Others;
}

const KINDS = ['internal', 'cards'] as const;
const BASES = ['quick', 'alone'] as const;

/** The figures as tables, and whether they count. */
export function reportRails(
  size: string,
  steps: readonly CardStep[],
  turns: readonly Turn[],
  broken: readonly string[],
): void {
  printReport({ what: 'rails: card payments', proof: 'the acquirers and the books are of one mind' }, steps, broken);
  const sockets = steps.map(({ rate, sockets_max }) => `${sockets_max} at ${rate}/s`).join(', ');
  const moved = KINDS.flatMap((kind) => BASES.map((base) => movedBy(turns, kind, base)));
  process.stderr.write(
    `\nconnections to the acquirer: ${sockets}\n\nthe others' p99 beside a slow provider, in ${turns.length} turns\n${table(moved.map(shown))}\n`,
  );
  saveResult('rails', size, { steps, moved, broken });
}

/** The p99 over all turns against that of the base, and the ratio of each turn: of a few hundred answers a turn, it is the third worst. */
function movedBy(turns: readonly Turn[], kind: (typeof KINDS)[number], base: (typeof BASES)[number]) {
  const p99 = (answers: readonly number[]) => percentiles(answers).p99;
  const all = (which: keyof Turn) => p99(turns.flatMap((turn) => turn[which][kind]));
  return {
    kind,
    base,
    base_p99_ms: all(base),
    slow_p99_ms: all('slow'),
    ratio: all('slow') / all(base),
    turns: rangeOf(turns.map((turn) => p99(turn.slow[kind]) / p99(turn[base][kind]))),
  };
}

function shown({ kind, base, base_p99_ms, slow_p99_ms, ratio, turns }: ReturnType<typeof movedBy>) {
  return {
    of: kind,
    against: base === 'alone' ? 'no second provider' : 'the same one, quick',
    'its p99 ms': base_p99_ms,
    'p99 ms': slow_p99_ms,
    ratio: ratio.toFixed(2),
    'turns: median (min to max)': `${turns.median.toFixed(2)} (${turns.min.toFixed(2)} to ${turns.max.toFixed(2)})`,
  };
}
