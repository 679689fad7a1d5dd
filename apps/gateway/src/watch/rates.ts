import { createHash } from 'node:crypto';
import type { RedisConnection } from '@payflow/cache';
import { METRICS } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import { counter } from '@payflow/telemetry';
import { RATE_POLICIES, type RatePolicy } from '../http/edge/traffic.js';
import type { Tried } from '../identity/login-guard.js';
import { leftItem, policyItem, secondsOf } from './rate-headers.js';
import { RateStore, WINDOW_S } from './rate-store.js';
import { SharedCounts } from './shared-counts.js';
import type { Taken } from './sliding-count.js';

/** Requests a minute, by policy. */
export type RateLimits = Readonly<Record<RatePolicy, number>>;

/** Whose requests a limit counts. */
export type CountedBy = 'key' | 'address' | 'account';

/** What becomes of a request, and what its answer says of it. */
export interface RateVerdict {
  readonly headers: { readonly 'ratelimit-policy': string; readonly ratelimit: string };
  readonly left: number;
  /** Why it is refused, where it is. */
  readonly refusal: Problem | undefined;
}

/** Of who comes without a credential, or has none yet: there is nothing but the address to count by. */
const BY_ADDRESS_ALONE: ReadonlySet<RatePolicy> = new Set(['anonymous', 'login', 'webhook_in']);

const refused = counter(METRICS.rateLimited, 'Requests answered with 429, by policy and whose requests were counted.', [
  'policy',
  'by',
] as const);

interface Limit {
  readonly policy: RatePolicy;
  readonly by: CountedBy;
  readonly counts: SharedCounts;
  readonly item: string;
}

/**
 * How often may be asked within a minute, any minute: six limits for each key or user, and for each address that they come from,
 * which several may share and which may therefore ask more often.
 */
export class Rates {
  readonly #byKey = new Map<RatePolicy, Limit>();
  readonly #byAddress = new Map<RatePolicy, Limit>();
  readonly #byAccount: Limit;

  constructor(connection: RedisConnection, limits: RateLimits, addressFactor: number) {
    const limit = (policy: RatePolicy, by: CountedBy, name: string, quota: number): Limit => ({
      policy,
      by,
      counts: new SharedCounts(name, quota, WINDOW_S * 1_000, new RateStore(connection, name, quota)),
      item: policyItem(name, quota),
    });
    for (const policy of RATE_POLICIES) {
      const quota = limits[policy];
      if (BY_ADDRESS_ALONE.has(policy)) {
        // Of an account its own tries are counted beside; behind an address there may be an office.
        const tries = policy === 'login' ? quota * addressFactor : quota;
        this.#byAddress.set(policy, limit(policy, 'address', policy, tries));
      } else {
        this.#byKey.set(policy, limit(policy, 'key', policy, quota));
        this.#byAddress.set(policy, limit(policy, 'address', `${policy}_address`, quota * addressFactor));
      }
    }
    this.#byAccount = limit('login', 'account', 'login_account', limits.login);
  }

  /** Counts a request of an address. */
  ofAddress(policy: RatePolicy, subject: string): RateVerdict {
    const limit = this.#byAddress.get(policy) as Limit;
    return this.#verdict(limit, limit.counts.take(subject, performance.now()));
  }

  /** What a request is told that is not counted by its address: where there is no other limit, that all of it is left. */
  uncounted(policy: RatePolicy): RateVerdict {
    const limit = (this.#byKey.get(policy) ?? this.#byAddress.get(policy)) as Limit;
    return this.#verdict(limit, { allowed: true, left: limit.counts.limit, wait_ms: 0 });
  }

  /** Counts a request of a key or a user; undefined where the policy counts by address alone. `before`: what its address was told. */
  ofCaller(policy: RatePolicy, actor: string, before: RateVerdict | undefined): RateVerdict | undefined {
    const limit = this.#byKey.get(policy);
    if (!limit) return undefined;
    const verdict = this.#verdict(limit, limit.counts.take(actor, performance.now()));
    if (!before) return verdict;
    const nearest = before.left < verdict.left ? before : verdict;
    const policies = `${verdict.headers['ratelimit-policy']}, ${before.headers['ratelimit-policy']}`;
    return { ...nearest, headers: { 'ratelimit-policy': policies, ratelimit: nearest.headers.ratelimit } };
  }

  /** Counts a try to log in to an account. Throws where there were too many. */
  ofAccount(account: Tried): void {
    const taken = this.#byAccount.counts.take(subjectOf(account), performance.now());
    const { refusal } = this.#verdict(this.#byAccount, taken);
    if (refusal) throw refusal;
  }

  /** Takes back a try to log in that was let through here, and then was none. */
  notOfAccount(account: Tried): void {
    this.#byAccount.counts.giveBack(subjectOf(account));
  }

  /** All the counts, for the rounds that bring them together. */
  get counts(): readonly SharedCounts[] {
    return [...this.#byKey.values(), ...this.#byAddress.values(), this.#byAccount].map(({ counts }) => counts);
  }

  #verdict({ policy, by, counts, item }: Limit, taken: Taken): RateVerdict {
    const headers = { 'ratelimit-policy': item, ratelimit: leftItem(counts.name, taken) };
    if (taken.allowed) return { headers, left: taken.left, refusal: undefined };
    refused.inc({ policy, by });
    const detail = `At most ${counts.limit} requests of this kind a minute, by ${by}.`;
    const retry = { 'retry-after': String(secondsOf(taken.wait_ms)) };
    return { headers, left: 0, refusal: new Problem('rate_limited', { detail, headers: { ...headers, ...retry } }) };
  }
}

/** As it is named, like the lock-out: what that counts apart would here use up the tries of one. Only its hash is kept. */
function subjectOf({ email, organisation = '' }: Tried): string {
  return createHash('sha256').update(`${email} ${organisation}`).digest('base64url');
}
