/** The content codings an answer may be sent in, best first: at equal q-values the first of these is taken. */
export const CODINGS = ['zstd', 'br', 'gzip'] as const;
export type Coding = (typeof CODINGS)[number];

/** Every client sends the same header each time, and there are few of them; what is invented for each request is not remembered. */
const REMEMBERED_MAX = 200;
/** Longer than any browser's; nobody pays for reading more. */
const HEADER_LENGTH_MAX = 256;
const NAMES: Readonly<Record<string, Coding>> = { zstd: 'zstd', br: 'br', gzip: 'gzip', 'x-gzip': 'gzip' };
/** RFC 9110 §12.4.2: three digits at most, and never above one. */
const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i;

const remembered = new Map<string, Coding | undefined>();

/** The coding for an Accept-Encoding header as RFC 9110 §12.5.3 weighs it, or undefined where the answer goes out as it is. */
export function codingFor(header: string | undefined): Coding | undefined {
  if (header === undefined || header === '' || header.length > HEADER_LENGTH_MAX) return undefined;
  if (remembered.has(header)) return remembered.get(header);
  const coding = chosen(header);
  if (remembered.size < REMEMBERED_MAX) remembered.set(header, coding);
  return coding;
}

function chosen(header: string): Coding | undefined {
  const { weights, others, identity } = weightsOf(header);
  let best: Coding | undefined;
  let bestWeight = 0;
  for (const coding of CODINGS) {
    const weight = weights.get(coding) ?? others;
    if (weight <= bestWeight) continue;
    best = coding;
    bestWeight = weight;
  }
  // Who would rather have it as it is gets it as it is; not mentioned, that is the last resort.
  return identity > bestWeight ? undefined : best;
}

interface Weights {
  readonly weights: ReadonlyMap<Coding, number>;
  /** What `*` says of those that are not named. */
  readonly others: number;
  readonly identity: number;
}

function weightsOf(header: string): Weights {
  const weights = new Map<Coding, number>();
  let [others, identity] = [0, 0];
  for (const one of header.split(',')) {
    const [name = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
    const weight = weightOf(parameters);
    // What is malformed asks for nothing.
    if (weight === undefined) continue;
    const coding = NAMES[name];
    if (coding) weights.set(coding, weight);
    else if (name === '*') others = weight;
    else if (name === 'identity') identity = weight;
  }
  return { weights, others, identity };
}

function weightOf([parameter, ...more]: readonly string[]): number | undefined {
  if (parameter === undefined) return 1;
  const digits = more.length === 0 ? WEIGHT.exec(parameter)?.[1] : undefined;
  return digits === undefined ? undefined : Number(digits);
}
