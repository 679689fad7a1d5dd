/** A span of every day, in minutes since midnight UTC; its end may lie in the next day. */
export interface Window {
  readonly from_min: number;
  readonly to_min: number;
}

const FORM = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/;
const MINUTES_PER_HOUR = 60;
const MINUTES_PER_DAY = 1_440;
const MS_PER_MINUTE = 60_000;

/** `01:00-05:00`, UTC. Undefined for anything else, and for a window of no length. */
export function parseWindow(text: string): Window | undefined {
  const [, ...parts] = FORM.exec(text) ?? [];
  if (parts.length !== 4) return undefined;
  const [fromHour = 0, fromMinute = 0, toHour = 0, toMinute = 0] = parts.map(Number);
  const window = {
    from_min: fromHour * MINUTES_PER_HOUR + fromMinute,
    to_min: toHour * MINUTES_PER_HOUR + toMinute,
  };
  return window.from_min === window.to_min ? undefined : window;
}

/** How long the window stays open, ms; 0 when it is closed, and without end where there is none. */
export function openFor_ms(window: Window | undefined, now: Date): number {
  if (!window) return Infinity;
  const into_min = (now.getTime() / MS_PER_MINUTE) % MINUTES_PER_DAY;
  const since_min = (into_min - window.from_min + MINUTES_PER_DAY) % MINUTES_PER_DAY;
  const length_min = (window.to_min - window.from_min + MINUTES_PER_DAY) % MINUTES_PER_DAY;
  return since_min < length_min ? Math.round((length_min - since_min) * MS_PER_MINUTE) : 0;
}
