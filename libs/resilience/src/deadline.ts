import { AsyncLocalStorage } from 'node:async_hooks';

/** The moment after which nobody waits for the answer any more: milliseconds of this process's clock, which never goes back. */
export type Deadline = number;

/** Carries a deadline between services: milliseconds since the epoch. Only on internal calls; from outside it means nothing. */
export const DEADLINE_HEADER = 'payflow-deadline';

/** No caller of ours waits longer, so a clock that is wrong cannot make one seem to. */
const AHEAD_MAX_MS = 30_000;
const EPOCH_MS = /^[0-9]{1,15}$/;

const carried = new AsyncLocalStorage<Deadline>();

/** The deadline so long from now. */
export function deadlineIn(limit_ms: number, now_ms: number = performance.now()): Deadline {
  return now_ms + limit_ms;
}

/** What is left until a deadline, ms; 0 when it has passed. */
export function timeLeft_ms(deadline: Deadline, now_ms: number = performance.now()): number {
  return Math.max(0, deadline - now_ms);
}

/** The deadline of the work that is running, or undefined when it has none. */
export function currentDeadline(): Deadline | undefined {
  return carried.getStore();
}

/** Runs work under a deadline, or under the one it has already where that comes first. */
export function withDeadline<T>(deadline: Deadline, work: () => T): T {
  return carried.run(Math.min(deadline, currentDeadline() ?? Infinity), work);
}

/** A deadline as it travels. `clocks`: now, in both ways of telling it. */
export function deadlineHeader(deadline: Deadline, clocks: Clocks = clocksNow()): string {
  return String(Math.round(clocks.epoch_ms + deadline - clocks.process_ms));
}

/** The deadline of a request from another service; undefined where there is none that can be read. */
export function deadlineOf(header: unknown, clocks: Clocks = clocksNow()): Deadline | undefined {
  if (typeof header !== 'string' || !EPOCH_MS.test(header)) return undefined;
  return clocks.process_ms + Math.min(AHEAD_MAX_MS, Number(header) - clocks.epoch_ms);
}

export interface Clocks {
  readonly epoch_ms: number;
  readonly process_ms: number;
}

function clocksNow(): Clocks {
  return { epoch_ms: Date.now(), process_ms: performance.now() };
}
