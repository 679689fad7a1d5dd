/** What a user asks for. */
export const KINDS = ['health', 'login', 'accounts', 'transactions', 'payments'] as const;
export type Kind = (typeof KINDS)[number];

/** One answer, or none. */
export interface Asked {
  readonly kind: Kind;
  readonly ms: number;
  readonly failed: boolean;
}

export interface Times {
  readonly count: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly p99_ms: number;
}

/** What is to be seen under a hundred users: the same figures that `deploy/k6/users.js` holds its run against. */
export const LIMITS = {
  /** Of each kind at p95, ms. */
  kinds: { health: 50, login: 200, accounts: 100, transactions: 150, payments: 300 } satisfies Record<Kind, number>,
  p95_ms: 150,
  p99_ms: 300,
  errors: 0.001,
  per_second: 200,
} as const;

export interface Figures {
  readonly per_second: number;
  readonly errors: number;
  readonly all: Times;
  readonly kinds: Readonly<Partial<Record<Kind, Times>>>;
}

export function figuresOf(asked: readonly Asked[], seconds: number): Figures {
  const kinds = KINDS.flatMap((kind) => {
    const own = asked.filter((each) => each.kind === kind);
    return own.length === 0 ? [] : [[kind, timesOf(own)] as const];
  });
  return {
    per_second: asked.length / seconds,
    errors: asked.filter(({ failed }) => failed).length / Math.max(1, asked.length),
    all: timesOf(asked),
    kinds: Object.fromEntries(kinds),
  };
}

/** What is not as it should be; nothing where all of it is. */
export function missedBy({ per_second, errors, all, kinds }: Figures): string[] {
  const missed = (what: string, is: number, limit: number) =>
    is < limit ? [] : [`${what} ${is.toFixed(1)}, not under ${limit}`];
  return [
    ...KINDS.flatMap((kind) => {
      const times = kinds[kind];
      return times ? missed(`${kind}, p95 in ms:`, times.p95_ms, LIMITS.kinds[kind]) : [`${kind}: nobody asked`];
    }),
    ...missed('all, p95 in ms:', all.p95_ms, LIMITS.p95_ms),
    ...missed('all, p99 in ms:', all.p99_ms, LIMITS.p99_ms),
    ...(errors < LIMITS.errors ? [] : [`errors ${(errors * 100).toFixed(2)} %, not under ${LIMITS.errors * 100} %`]),
    ...(per_second >= LIMITS.per_second ? [] : [`${per_second.toFixed(0)} requests/s, not ${LIMITS.per_second}`]),
  ];
}

function timesOf(asked: readonly Asked[]): Times {
  const sorted = asked.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99) };
}
