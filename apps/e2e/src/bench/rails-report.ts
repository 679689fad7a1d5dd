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

/** What it is held against: card payments a second at one rate or another, connections, and the others' p99 over its base. */
const APPLIED_PER_S_MIN = 200;
const SOCKETS_MAX = 10;
const MOVED_MAX = 1.2;

/** The figures as tables, whether they count, and what they miss; true where they count and miss nothing. */
export function reportRails(
  size: string,
  steps: readonly CardStep[],
  turns: readonly Turn[],
  broken: readonly string[],
): boolean {
  printReport({ what: 'rails: card payments', proof: 'the acquirers and the books are of one mind' }, steps, broken);
  const sockets = steps.map(({ rate, sockets_max }) => `${sockets_max} at ${rate}/s`).join(', ');
  const moved = KINDS.flatMap((kind) => BASES.map((base) => movedBy(turns, kind, base)));
  process.stderr.write(
    `\nconnections to the acquirer: ${sockets}\n\nthe others' p99 beside a slow provider, in ${turns.length} turns\n${table(moved.map(shown))}\n`,
  );
  const missed = missedBy(steps, moved);
  for (const what of missed) process.stderr.write(`missed: ${what}\n`);
  saveResult('rails', size, { steps, moved, broken, missed });
  return broken.length + missed.length === 0;
}

/** Against no second provider at all the ratio is told and not judged: a second provider's payments are load as well. */
function missedBy(steps: readonly CardStep[], moved: readonly ReturnType<typeof movedBy>[]): string[] {
  const applied = Math.max(...steps.map(({ applied_per_s }) => applied_per_s));
  const sockets = Math.max(...steps.map(({ sockets_max }) => sockets_max));
  return [
    ...(applied >= APPLIED_PER_S_MIN ? [] : [`${applied} card payments a second at most (${APPLIED_PER_S_MIN})`]),
    ...(sockets <= SOCKETS_MAX ? [] : [`${sockets} connections to the acquirer (${SOCKETS_MAX})`]),
    ...moved
      .filter(({ base, ratio }) => base === 'quick' && ratio >= MOVED_MAX)
      .map(({ kind, ratio }) => `a slow provider moves the p99 of ${kind} by ${ratio.toFixed(2)} × (${MOVED_MAX})`),
  ];
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
