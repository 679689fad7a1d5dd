/** @typedef {{ startTime: number, duration: number }} Timed */

// A pause longer than this share of the working time is cut out, to this share: a reader of large, late batches comes
// seconds after a payment of forty milliseconds, and would squeeze it into one column.
const longPause = 0.5;
const cutTo = 0.06;

/**
 * A time axis from 0 to 1 over the spans, with long pauses, in which no span is at work, cut out.
 * @param {readonly Timed[]} spans
 * @returns {{ position: (time: number) => number, cuts: number[] }}  `cuts`: where on the axis something is missing
 */
export function timelineOf(spans) {
  const busy = mergedIntervals(spans);
  const working = busy.reduce((sum, { from, to }) => sum + to - from, 0) || 1;
  let length = 0;
  const stretches = busy.map((interval, index) => {
    const pause = interval.from - (busy[index - 1]?.to ?? interval.from);
    const cut = pause > working * longPause;
    const gap = cut ? working * cutTo : pause;
    const at = length + gap;
    length = at + interval.to - interval.from;
    return { ...interval, at, cutAt: cut ? at - gap / 2 : null };
  });
  const total = length || 1;
  return {
    position: (time) => {
      const stretch = stretches.findLast(({ from }) => from <= time) ?? stretches[0];
      return stretch === undefined ? 0 : Math.min(1, (stretch.at + Math.max(0, time - stretch.from)) / total);
    },
    cuts: stretches.flatMap(({ cutAt }) => (cutAt === null ? [] : [cutAt / total])),
  };
}

/** @param {readonly Timed[]} spans @returns {{ from: number, to: number }[]} */
function mergedIntervals(spans) {
  /** @type {{ from: number, to: number }[]} */
  const merged = [];
  for (const { startTime, duration } of [...spans].sort((left, right) => left.startTime - right.startTime)) {
    const last = merged.at(-1);
    if (last !== undefined && startTime <= last.to) last.to = Math.max(last.to, startTime + duration);
    else merged.push({ from: startTime, to: startTime + duration });
  }
  return merged;
}
