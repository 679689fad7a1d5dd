export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export type Figures = Readonly<Record<string, Spread>>;

/** More than this between least and most: read with care. */
const NOISY = 0.3;

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1] ?? 0, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** For people on stderr, for programs as JSON on stdout; ends the process with 1 when an answer was wrong. */
export function printFigures(of: {
  readonly benchmark: string;
  readonly settings: object;
  readonly figures: Figures;
  /** What was answered wrongly. */
  readonly broken: readonly string[];
}): void {
  const lines = Object.entries(of.figures).map(([name, { median, min, max }]) => {
    const noisy = median > 0 && (max - min) / median > NOISY ? ' noisy' : '';
    return `  ${name.padEnd(64)} ${short(median)} (${short(min)} to ${short(max)})${noisy}`;
  });
  const verdict = of.broken.length === 0 ? 'all answers as in Postgres' : `WRONG ANSWERS: ${of.broken.join('; ')}`;
  process.stderr.write(`\n${of.benchmark}: ${JSON.stringify(of.settings)}\n${lines.join('\n')}\n  ${verdict}\n`);
  process.stdout.write(`${JSON.stringify(of)}\n`);
  if (of.broken.length > 0) process.exitCode = 1;
}

function short(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
