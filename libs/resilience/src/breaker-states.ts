import { BREAKER_STATES, showBreaker, type BreakerState } from './metrics.js';

const states = new Map<string, () => BreakerState>();

/**
 * Shows a breaker's state as a metric and to whoever asks how the process is. For what leaves a failing thing alone by means of its
 * own, too: it is looked for in one place. Of two of one name, the younger is shown.
 */
export function registerBreaker(name: string, state: () => BreakerState): void {
  states.set(name, state);
  showBreaker(name, () => BREAKER_STATES[state()]);
}

/** Every breaker of this process, by name. */
export function breakerStates(): Readonly<Record<string, BreakerState>> {
  return Object.fromEntries([...states].map(([name, state]) => [name, state()]));
}
