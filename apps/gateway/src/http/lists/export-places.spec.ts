import type { Problem } from '@payflow/service';
import { expect, it } from 'vitest';
import { ExportPlaces, type ExportPlace } from './export-places.js';

function placesOf(places_max: number) {
  const time = { now_ms: 0 };
  const cut: string[] = [];
  const places = new ExportPlaces({ places_max, slow_ms: 10, clock: () => time.now_ms });
  /** The place that one has got, or why there is none. */
  const enter = (organisation: string): ExportPlace | string => {
    try {
      return places.enter(organisation);
    } catch (error) {
      return (error as Problem).code;
    }
  };
  /** As many as it gets; of each the reader stands at once. */
  const fill = (organisation: string): ExportPlace[] => {
    const got: ExportPlace[] = [];
    for (let place = enter(organisation); typeof place !== 'string'; place = enter(organisation)) {
      const name = `${organisation}${got.length}`;
      place.stands(() => cut.push(name));
      got.push(place);
    }
    return got;
  };
  return { time, cut, enter, fill };
}

it('gives one organisation half of the places, and the fewer the more others have', () => {
  const { fill } = placesOf(16);
  expect(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => fill(name).length)).toEqual([8, 4, 2, 1, 1, 0]);
});

it('gives a place again that was left, and each of them once', () => {
  const { fill, enter } = placesOf(4);
  const [first] = fill('a');
  expect(enter('a')).toBe('unavailable');
  first?.leave();
  first?.leave();
  expect([typeof enter('a'), enter('a')]).toEqual(['object', 'unavailable']);
});

it('cuts for who has none the one that has stood longest, of who has most', () => {
  const { time, cut, fill, enter } = placesOf(8);
  const [taken, longest] = fill('a');
  time.now_ms = 1;
  for (const name of ['b', 'c', 'd']) fill(name);
  time.now_ms = 9;
  expect([enter('e'), cut]).toEqual(['unavailable', []]);
  // Who takes something, however seldom, is not slow.
  taken?.taken();
  taken?.stands(() => cut.push('taken'));
  time.now_ms = 11;
  // Not for who has some.
  expect([enter('b'), cut]).toEqual(['unavailable', []]);
  expect([typeof enter('e'), cut]).toEqual(['object', ['a1']]);
  // What was cut has left: it gives no place back a second time.
  longest?.leave();
  expect([enter('e'), cut]).toEqual(['unavailable', ['a1']]);
});

it('cuts nobody who is waited for by none, and nobody’s only one', () => {
  const { time, cut, fill, enter } = placesOf(2);
  const [only] = fill('a');
  const [other] = fill('b');
  time.now_ms = 1_000;
  expect([enter('c'), cut]).toEqual(['unavailable', []]);
  only?.leave();
  other?.leave();
  expect(typeof enter('c')).toBe('object');
});
