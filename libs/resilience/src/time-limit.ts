import { TimeoutStrategy, isTaskCancelledError, timeout } from 'cockatiel';
import { countTimeout } from './metrics.js';
import { TimedOut } from './refused.js';

/**
 * Runs work for at most so long; then its signal aborts and {@link TimedOut} is thrown, whether the work heeds the signal
 * or not. `name`: of the policy, for the error and the metric.
 */
export async function withinTime<T>(
  name: string,
  limit_ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  // Made per call: what is left until the caller's deadline is another each time.
  const limit = timeout(limit_ms, { strategy: TimeoutStrategy.Aggressive, abortOnReturn: false });
  try {
    return await limit.execute(({ signal }) => work(signal));
  } catch (error) {
    if (!isTaskCancelledError(error)) throw error;
    countTimeout(name);
    throw new TimedOut(name, limit_ms);
  }
}
