import { configureLogging } from '@payflow/telemetry';
import { beforeAll, describe, expect, it } from 'vitest';
import { WriteBehind } from './write-behind.js';

beforeAll(() => configureLogging({ level: 'silent' }));

function notebook(keys_max = 10) {
  const written: [string, number][][] = [];
  const state = { failing: false };
  const notes = new WriteBehind<number>({
    name: 'spec',
    interval_ms: 60_000,
    keys_max,
    merge: (before, note) => before + note,
    write: async (all) => {
      if (state.failing) throw new Error('away');
      written.push([...all]);
    },
  });
  return { notes, written, state };
}

describe('what is written behind', () => {
  it('is written once per key, and each note once', async () => {
    const { notes, written } = notebook();
    for (const key of ['a', 'b', 'a']) notes.note(key, 1);
    await notes.flush();
    await notes.flush();
    expect(written).toEqual([
      [
        ['a', 2],
        ['b', 1],
      ],
    ]);
  });

  it('waits when it cannot be written, and is added to what comes meanwhile', async () => {
    const { notes, written, state } = notebook();
    notes.note('a', 1);
    state.failing = true;
    await notes.flush();
    notes.note('a', 1);
    state.failing = false;
    await notes.close();
    expect(written).toEqual([[['a', 2]]]);
  });

  it('is bounded: keys beyond it are dropped, and those that are there go on', async () => {
    const { notes, written } = notebook(2);
    for (const key of ['a', 'b', 'c', 'a']) notes.note(key, 1);
    await notes.flush();
    expect(written).toEqual([
      [
        ['a', 2],
        ['b', 1],
      ],
    ]);
  });
});
