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

/** What a figure is held against, by its name; `missed` where it is known that it is missed. */
const AIM = /\(aim: at (most|least) ([0-9.]+)(, missed)?\)$/;

export interface Misses {
  /** Nobody knew of them. */
  readonly missed: readonly string[];
  /** Their names say so: they are told, and are no news. */
  readonly known: readonly string[];
}

/** The figures whose median misses what it is held against. */
export function missesAmong(figures: Figures): Misses {
  const [missed, known]: [string[], string[]] = [[], []];
  for (const [name, { median }] of Object.entries(figures)) {
    const [, bound, aim, isKnown] = AIM.exec(name) ?? [];
    if (aim === undefined) continue;
    const isKept = bound === 'most' ? median <= Number(aim) : median >= Number(aim);
    if (!isKept) (isKnown ? known : missed).push(`${name}: ${short(median)}`);
  }
  return { missed, known };
}

/** For people on stderr, for programs as JSON on stdout; ends the process with 1 when an answer was wrong, or an aim is missed that was kept so far. */
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
  const { missed, known } = missesAmong(of.figures);
  const told = [...missed.map((each) => `MISSED ${each}`), ...known.map((each) => `as known: ${each}`)];
  const misses = told.map((each) => `  ${each}\n`).join('');
  process.stderr.write(
    `\n${of.benchmark}: ${JSON.stringify(of.settings)}\n${lines.join('\n')}\n  ${verdict}\n${misses}`,
  );
  process.stdout.write(`${JSON.stringify({ ...of, missed, known })}\n`);
  if (of.broken.length + missed.length > 0) process.exitCode = 1;
}

function short(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
