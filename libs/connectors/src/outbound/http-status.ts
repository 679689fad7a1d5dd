import { Lost, NotSent } from './call-failures.js';
import type { HttpAnswer } from './http-exchange.js';

/** The provider shuts its door to us, whatever we ask for: our key is wrong, or not for this. */
const SHUT = new Set([401, 403]);
/** It read a part of the request, or says nothing about what came of it. */
const UNSURE = new Set([408, 409]);

/**
 * What the status alone says, for any provider that keeps to HTTP: hands on the answers whose bodies tell (2xx and the other 4xx),
 * and throws for the rest. Only a status that means "not taken" is {@link NotSent}; in doubt it is {@link Lost}.
 */
export function heard(answer: HttpAnswer): HttpAnswer {
  const { status, retryAfter } = answer;
  if (status === 429) throw new NotSent('provider_rate_limited', { status, retry_after: retryAfter ?? null });
  // With it, the provider says that it did not take the request and when it will; without, any gateway on the way may have said it.
  if (status === 503 && retryAfter !== undefined) {
    throw new NotSent('provider_unavailable', { status, retry_after: retryAfter });
  }
  if (SHUT.has(status)) throw new NotSent('provider_refused_us', { status });
  if (status >= 500) throw new Lost('provider_failed', { status });
  if (UNSURE.has(status) || status < 200 || (status >= 300 && status < 400)) {
    throw new Lost('answer_inconclusive', { status });
  }
  return answer;
}

const MS_PER_S = 1_000;
const SECONDS = /^[0-9]{1,6}$/;
/** Who asks for a longer silence gets this one, and is asked again then. */
const SILENCE_MAX_MS = 60_000;

/** How long a provider asks to be left alone (RFC 9110 §10.2.3: seconds, or a date), ms; 0 where it does not say. */
export function silence_ms(retryAfter: unknown, now = Date.now()): number {
  if (typeof retryAfter !== 'string') return 0;
  const asked_ms = SECONDS.test(retryAfter) ? Number(retryAfter) * MS_PER_S : Date.parse(retryAfter) - now;
  return asked_ms > 0 ? Math.min(SILENCE_MAX_MS, asked_ms) : 0;
}
