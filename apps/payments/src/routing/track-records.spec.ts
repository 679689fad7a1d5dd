import { expect, it } from 'vitest';
import type { MinuteOutcomes } from '../database/route.repository.js';
import { TrackRecords } from './track-records.js';

const MINUTE_MS = 60_000;
const at = (minute: number) => minute * MINUTE_MS;

function recordsWith(rows: () => readonly MinuteOutcomes[] | Error, time: { now: number }) {
  const asked: number[] = [];
  const failures: unknown[] = [];
  const records = new TrackRecords(
    async (minutes) => {
      asked.push(minutes);
      const found = rows();
      if (found instanceof Error) throw found;
      return found;
    },
    (error) => failures.push(error),
    () => time.now,
  );
  return { records, asked, failures };
}

const row = (connector: string, minute: number, succeeded: number, tried: number) => ({
  connector,
  minute,
  succeeded,
  tried,
});
/** Those who come later do not wait for what is asked: one turn of the loop, and it is there. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

it('adds up what lies in the window, and nothing older', async () => {
  const time = { now: at(1_000) };
  const { records } = recordsWith(
    () => [row('a', 1_000, 1, 2), row('a', 996, 3, 4), row('a', 995, 5, 6), row('b', 1_000, 7, 8)],
    time,
  );
  await records.refresh();
  expect(records.of('a', 1)).toEqual({ succeeded: 1, tried: 2 });
  expect(records.of('a', 5)).toEqual({ succeeded: 4, tried: 6 });
  expect(records.of('a', 60)).toEqual({ succeeded: 9, tried: 12 });
  expect(records.of('nobody', 60)).toEqual({ succeeded: 0, tried: 0 });
});

it('asks for everything once, then every ten seconds for what can have changed', async () => {
  const time = { now: at(1_000) };
  let rows = [row('a', 1_000, 1, 1)];
  const { records, asked } = recordsWith(() => rows, time);
  await Promise.all([records.refresh(), records.refresh()]);
  time.now += 9_999;
  await records.refresh();
  expect(asked).toEqual([60]);
  time.now += 1;
  rows = [row('a', 1_000, 2, 3)];
  await records.refresh();
  await settle();
  expect(asked).toEqual([60, 3]);
  expect(records.of('a', 1)).toEqual({ succeeded: 2, tried: 3 });
  time.now = at(1_030);
  await records.refresh();
  await settle();
  expect(asked).toEqual([60, 3, 32]);
});

it('goes on with what it knows while it cannot be told more', async () => {
  const time = { now: at(1_000) };
  let isAway = false;
  const { records, asked, failures } = recordsWith(() => (isAway ? new Error('away') : [row('a', 1_000, 1, 1)]), time);
  await records.refresh();
  isAway = true;
  time.now += 10_000;
  await records.refresh();
  await settle();
  expect([asked.length, failures.length]).toEqual([2, 1]);
  expect(records.of('a', 5)).toEqual({ succeeded: 1, tried: 1 });
});

it('asks again for the minutes that a failed question was about', async () => {
  const time = { now: at(1_000) };
  const answers: (readonly MinuteOutcomes[] | Error)[] = [new Error('away'), [row('a', 950, 1, 1)]];
  const { records, asked } = recordsWith(() => answers.shift() ?? [], time);
  await records.refresh();
  time.now += 10_000;
  await records.refresh();
  await settle();
  expect(asked).toEqual([60, 60]);
  expect(records.of('a', 60)).toEqual({ succeeded: 1, tried: 1 });
});

it('asks for everything anew when the clock is set back', async () => {
  const time = { now: at(1_000) };
  let rows = [row('a', 1_000, 1, 1)];
  const { records, asked } = recordsWith(() => rows, time);
  await records.refresh();
  time.now = at(940);
  rows = [row('a', 940, 0, 9)];
  await records.refresh();
  await settle();
  expect(asked).toEqual([60, 60]);
  expect(records.of('a', 1).tried).toBeGreaterThanOrEqual(9);
});

it('does not wait for a first load that does not end: whoever waits has attempts locked', async () => {
  const records = new TrackRecords(
    () => new Promise<never>(() => undefined),
    () => undefined,
  );
  await records.refresh();
  expect(records.of('a', 1)).toEqual({ succeeded: 0, tried: 0 });
});
