import { expect, it } from 'vitest';
import { Changes } from './changes.js';

it('knows what is being changed until it has ended', () => {
  const changes = new Changes();
  changes.begin(['a', 'b'], 0);
  expect([changes.has(['a']), changes.has(['c', 'b']), changes.has(['c']), changes.has([])]).toEqual([
    true,
    true,
    false,
    false,
  ]);
  changes.end(['a', 'c']);
  expect([changes.has(['a']), changes.has(['b'])]).toEqual([false, true]);
});

it('waits for the last of several that change the same', () => {
  const changes = new Changes();
  changes.begin(['a'], 0);
  changes.begin(['a'], 0);
  changes.end(['a']);
  expect(changes.has(['a'])).toBe(true);
  changes.end(['a']);
  expect(changes.has(['a'])).toBe(false);
});

it('gives up those that nobody ended, the oldest first, and none before their time', () => {
  const changes = new Changes();
  changes.begin(['a', 'b'], 0);
  changes.begin(['c', 'a'], 5_000);
  expect(changes.takeOverdue(9_999)).toEqual([]);
  expect(changes.takeOverdue(10_000)).toEqual(['b']);
  expect(changes.has(['b'])).toBe(false);
  expect([...changes.takeOverdue(15_000)].sort()).toEqual(['a', 'c']);
  expect(changes.takeOverdue(99_999)).toEqual([]);
});

it('gives up one that nobody ended in its time, however many others of the same tag begin and end', () => {
  const changes = new Changes();
  changes.begin(['a'], 0);
  for (let now = 100; now < 10_000; now += 100) {
    const tags = ['a', `b-${now}`];
    changes.begin(tags, now);
    changes.end(tags);
    expect(changes.has(['a'])).toBe(true);
  }
  const last = ['a'];
  changes.begin(last, 9_900);
  expect(changes.takeOverdue(10_000)).toEqual([]);
  expect(changes.has(['a'])).toBe(true);
  changes.end(last);
  expect(changes.has(['a'])).toBe(false);
});

it('takes one that ends late for no other', () => {
  const changes = new Changes();
  const [late, next] = [['a'], ['a']];
  changes.begin(late, 0);
  changes.begin(next, 5_000);
  changes.takeOverdue(10_000);
  changes.end(late);
  expect(changes.has(['a'])).toBe(true);
  changes.end(next);
  expect(changes.has(['a'])).toBe(false);
});
