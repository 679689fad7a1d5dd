import { SERVICES, type Service } from '@payflow/contracts';
import type { CheckResult } from '@payflow/invariants';
import type { Throughput } from '../database/throughput.repository.js';
import { tenths, type ReaderLag } from './lags.js';
import type { Look, Picture } from './picture.js';

export interface Summary {
  readonly throughput: {
    /** Minutes in which payments ended, newest first. */
    readonly minutes: readonly Throughput[];
    /** Why there are no minutes, where they could not be read; null where they could. */
    readonly reason: string | null;
    /** Messages each reader applies, at the last look. */
    readonly rates: readonly { readonly group: string; readonly per_second: number; readonly age_seconds: number }[];
  };
  readonly lags: readonly ReaderLag[];
  readonly outbox: readonly {
    readonly service: Service;
    readonly oldest_unpublished_seconds: number | null;
    readonly age_seconds: number | null;
  }[];
  readonly invariants: readonly (CheckResult & { readonly service: Service; readonly age_seconds: number })[];
  readonly broken: readonly {
    readonly invariant: string;
    readonly service: Service;
    readonly violations: number;
    readonly sample: readonly string[];
  }[];
}

const MS_PER_S = 1_000;

/** All figures with their ages: an old one is shown, and seen to be old. */
export function summaryOf(
  picture: Picture,
  lags: readonly ReaderLag[],
  { minutes, reason }: Pick<Summary['throughput'], 'minutes' | 'reason'>,
  now_ms: number,
): Summary {
  const age = (look: Look<unknown>) => tenths((now_ms - look.at_ms) / MS_PER_S);
  const services = SERVICES.map((service) => ({ service, picture: picture.service(service) }));
  const invariants = services.flatMap(({ service, picture: { invariants: look } }) =>
    look ? look.value.map((result) => ({ service, ...result, age_seconds: age(look) })) : [],
  );
  return {
    throughput: {
      minutes,
      reason,
      rates: services.flatMap(({ picture: { rates, read } }) =>
        read
          ? [...rates].map(([group, per_second]) => ({
              group,
              per_second: tenths(per_second),
              age_seconds: age(read),
            }))
          : [],
      ),
    },
    lags,
    outbox: services.map(({ service, picture: { outboxAge_s } }) => ({
      service,
      oldest_unpublished_seconds: outboxAge_s ? tenths(outboxAge_s.value) : null,
      age_seconds: outboxAge_s ? age(outboxAge_s) : null,
    })),
    invariants,
    broken: invariants
      .filter(({ violations }) => violations > 0)
      .map(({ invariant, service, violations, sample }) => ({ invariant, service, violations, sample })),
  };
}
