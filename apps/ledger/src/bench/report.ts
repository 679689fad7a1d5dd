import { format, type Spread } from './measure.js';

export type Results = Readonly<Record<string, Spread>>;

interface Report {
  readonly benchmark: string;
  readonly headline: string;
  readonly settings: object;
  readonly results: Results;
  /** What is wrong with the books afterwards. */
  readonly broken: readonly string[];
}

const digitsFor = (value: number) => (value < 10 ? 2 : value < 100 ? 1 : 0);

/** For people on stderr, for programs as one JSON object on stdout; ends the process with 1 when the books are not in order. */
export function report({ benchmark, headline, settings, results, broken }: Report): void {
  const lines = Object.entries(results).map(
    ([name, value]) => `${name.padEnd(72)} ${format(value, digitsFor(value.median))}`,
  );
  const verdict =
    broken.length === 0 ? 'invariants hold' : `INVARIANTS BROKEN, the figures are void: ${broken.join('; ')}`;
  process.stderr.write(`\n${[headline, ...lines, verdict].join('\n  ')}\n`);
  process.stdout.write(`${JSON.stringify({ benchmark, settings, results, broken })}\n`);
  if (broken.length > 0) process.exitCode = 1;
}
