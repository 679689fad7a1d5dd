/** How long things are kept, ms: every family of every catalogue takes one of these. */
export const SHORT_MS = 60_000;
export const MEDIUM_MS = 300_000;
export const LONG_MS = 900_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** Between half of it and all of it: what was kept together does not end together. */
export function jittered(value: number): number {
  return Math.ceil(value * (0.5 + Math.random() / 2));
}
