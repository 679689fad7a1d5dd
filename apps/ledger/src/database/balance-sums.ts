/** By which time a transfer counts: when it was recorded, or when it took effect. */
export const BASES = ['recorded', 'effective'] as const;
export type Basis = (typeof BASES)[number];

/** Columns that {@link sumsAsOf} makes up. */
export const SUMS = {
  recorded:
    'coalesce(s.posted_debits, 0) + d.amount as posted_debits, coalesce(s.posted_credits, 0) + c.amount as posted_credits',
  effective: `coalesce(s.posted_debits, 0) + d.amount + earlier_d.amount as posted_debits,
    coalesce(s.posted_credits, 0) + c.amount + earlier_c.amount as posted_credits`,
} as const satisfies Record<Basis, string>;

const amountOf = (side: 'debit' | 'credit', condition: string, alias: string) => `
  cross join lateral (
    select coalesce(sum(t.amount_minor), 0)::bigint as amount from transfers t
    where t.tenant_id = a.tenant_id and t.livemode = a.livemode and t.${side}_account_id = a.id and ${condition}) as ${alias}`;

/**
 * What was recorded by an instant, said so that no index takes it for a bound. Between two bounds of recorded time the planner
 * expects a row or none, and would look through all that came later rather than through what counts earlier.
 */
export function recordedBy(known: string): string {
  return `least(t.recorded_at, ${known}) = t.recorded_at`;
}

/**
 * Joins to each account `a` the sums of its transfers as of an instant, as far as they were known at another: the nearest
 * snapshot, and what was recorded since. Nothing takes effect after it is recorded, so by effective time there is only more:
 * what was recorded later and counts earlier. `at` and `known` are SQL for the instants.
 */
export function sumsAsOf(basis: Basis, at: string, known: string): string {
  const until = `least(${at}, ${known})`;
  const since = `t.recorded_at > coalesce(s.recorded_at, '-infinity') and t.recorded_at <= ${until}`;
  const earlier = `t.effective_at <= ${at} and t.recorded_at > ${until} and ${recordedBy(known)}`;
  return `
  left join lateral (
    select b.recorded_at, b.posted_debits, b.posted_credits from balance_snapshots b
    where b.tenant_id = a.tenant_id and b.livemode = a.livemode and b.account_id = a.id and b.recorded_at <= ${until}
    order by b.recorded_at desc limit 1) as s on true
  ${amountOf('debit', since, 'd')}
  ${amountOf('credit', since, 'c')}
  ${basis === 'effective' ? amountOf('debit', earlier, 'earlier_d') + amountOf('credit', earlier, 'earlier_c') : ''}`;
}
