/**
 * What connections are for. Each purpose has its own, so that none can take them from another: a storm of requests leaves the
 * consumers theirs, and a long report leaves the requests theirs. `api`: requests that wait; `consumers`: batches of messages;
 * `relay`: the way out, and housekeeping; `reports`: what may read much, lists and checks among it.
 */
export const PURPOSES = ['api', 'consumers', 'relay', 'reports'] as const;
export type Purpose = (typeof PURPOSES)[number];

/** How many parts of a service's connections each purpose gets. */
export type Shares = Readonly<Record<Purpose, number>>;

/**
 * Divides connections by shares, at least one each; what is left over goes to those that fall shortest of their share. Where
 * there are fewer connections than purposes, nothing is divided: undefined, and all share one pool.
 */
export function divide(connections: number, shares: Shares): Record<Purpose, number> | undefined {
  if (connections < PURPOSES.length) return undefined;
  const sum = PURPOSES.reduce((all, purpose) => all + shares[purpose], 0);
  const due = (purpose: Purpose): number => (connections * shares[purpose]) / sum;
  const sizes = Object.fromEntries(PURPOSES.map((purpose) => [purpose, 1])) as Record<Purpose, number>;
  for (let left = connections - PURPOSES.length; left > 0; left--) {
    const shortest = PURPOSES.reduce((a, b) => (due(b) - sizes[b] > due(a) - sizes[a] ? b : a));
    sizes[shortest]++;
  }
  return sizes;
}
