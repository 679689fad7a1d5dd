import { Problem } from '@payflow/service';
import { expect, it } from 'vitest';
import { ListReads } from './list-reads.js';

const code = (error: unknown) => (error as Problem).code;
/** A read that ends when it is told to. */
const held = () => Promise.withResolvers<string>();

it('runs so many at once, and the next in the order they came', async () => {
  const reads = new ListReads({ running_max: 2, waiting_max: 2, wait_ms: 10_000 });
  const all = [held(), held(), held(), held()];
  const begun: number[] = [];
  const results = all.map(({ promise }, at) =>
    reads.run(() => {
      begun.push(at);
      return promise;
    }),
  );
  expect(begun).toEqual([0, 1]);
  all[1]?.resolve('one');
  expect(await results[1]).toBe('one');
  expect(begun).toEqual([0, 1, 2]);
  for (const { resolve } of all) resolve('done');
  expect(await Promise.all(results)).toEqual(['done', 'one', 'done', 'done']);
});

it('refuses at once what is too many, and after a while what has waited', async () => {
  const reads = new ListReads({ running_max: 1, waiting_max: 1, wait_ms: 5 });
  const first = held();
  const running = reads.run(() => first.promise);
  const waiting = reads.run(() => Promise.resolve('never'));
  expect(await reads.run(() => Promise.resolve('never')).catch(code)).toBe('unavailable');
  expect(await waiting.catch(code)).toBe('unavailable');
  first.resolve('first');
  expect(await running).toBe('first');
  expect(await reads.run(() => Promise.resolve('next'))).toBe('next');
});

it('tells whoever has to wait before it waits, and nobody else', async () => {
  const reads = new ListReads({ running_max: 1, waiting_max: 1, wait_ms: 10_000 });
  const [first, told] = [held(), [] as string[]];
  const running = reads.run(
    () => first.promise,
    () => told.push('first'),
  );
  const waiting = reads.run(
    () => Promise.resolve('second'),
    () => told.push('second'),
  );
  expect(told).toEqual(['second']);
  const refused = reads.run(
    () => Promise.resolve('third'),
    () => told.push('third'),
  );
  expect(await refused.catch(code)).toBe('unavailable');
  first.resolve('first');
  expect([await running, await waiting, told]).toEqual(['first', 'second', ['second']]);
});

it('gives its place back after an error', async () => {
  const reads = new ListReads({ running_max: 1, waiting_max: 0, wait_ms: 5 });
  await expect(reads.run(() => Promise.reject(new RangeError('a bug')))).rejects.toThrow('a bug');
  expect(await reads.run(() => Promise.resolve('next'))).toBe('next');
});

it('keeps a turn, and a place to wait for one, for others than whoever has asked for most', async () => {
  const ofOne = { running_max: 1, waiting_max: 1 };
  const reads = new ListReads({ running_max: 2, waiting_max: 3, wait_ms: 10_000, ofOne });
  const begun: string[] = [];
  const asked = (name: string, whose: string) => {
    const { promise, resolve } = held();
    const work = () => {
      begun.push(name);
      return promise;
    };
    return { result: reads.run(work, undefined, whose), end: () => resolve(name) };
  };
  const [first, second, third] = [asked('a1', 'a'), asked('a2', 'a'), asked('a3', 'a')];
  expect(await third.result.catch(code)).toBe('unavailable');
  const [other, next] = [asked('b1', 'b'), asked('b2', 'b')];
  expect(begun).toEqual(['a1', 'b1']);
  other.end();
  expect(await other.result).toBe('b1');
  expect(begun).toEqual(['a1', 'b1', 'b2']);
  for (const { end } of [first, second, next]) end();
  expect(await Promise.all([first.result, second.result, next.result])).toEqual(['a1', 'a2', 'b2']);
});

it('lets a third organisation begin before those of two that have had all turns', async () => {
  const reads = new ListReads({
    running_max: 4,
    waiting_max: 10,
    wait_ms: 10_000,
    ofOne: { running_max: 3, waiting_max: 9 },
  });
  const begun: string[] = [];
  const asked = (name: string) => {
    const { promise, resolve } = held();
    const work = () => {
      begun.push(name);
      return promise;
    };
    return { result: reads.run(work, undefined, name[0]), end: () => resolve(name) };
  };
  const slow = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'a4'].map(asked);
  const third = ['c1', 'c2'].map(asked);
  expect(begun).toEqual(['a1', 'a2', 'a3', 'b1']);
  slow[0]?.end();
  await slow[0]?.result;
  expect(begun.slice(4)).toEqual(['c1']);
  // Of two that have one each, the one that came first.
  slow[1]?.end();
  await slow[1]?.result;
  expect(begun.slice(5)).toEqual(['b2']);
  for (const { end } of [...slow, ...third]) end();
  await Promise.all([...slow, ...third].map(({ result }) => result));
  expect(begun.slice(6).toSorted()).toEqual(['a4', 'b3', 'c2']);
});

it('leaves places to wait in where three organisations have asked for more than they can', async () => {
  const reads = new ListReads();
  const { promise, resolve } = held();
  const asked = (whose: string, count: number) =>
    Array.from({ length: count }, () => reads.run(() => promise, undefined, whose).catch(code));
  const all = [...asked('a', 110), ...asked('b', 110), ...asked('c', 110), ...asked('d', 1)];
  resolve('done');
  const answers = await Promise.all(all);
  // Three of the first read, and one of the second; fifty of each wait.
  expect(answers.slice(0, 330).filter((answer) => answer === 'done')).toHaveLength(53 + 51 + 50);
  expect(answers[330]).toBe('done');
});

it('holds no turn of what is carried away for one that may not read yet', async () => {
  const reads = new ListReads({
    ...{ running_max: 4, waiting_max: 10, wait_ms: 10_000, ofOne: { running_max: 3, waiting_max: 9 } },
    patient: { running_max: 2, waiting_max: 2, wait_ms: 10_000 },
  });
  const begun: string[] = [];
  const asked = (name: string, isPatient: boolean) => {
    const { promise, resolve } = held();
    const work = () => {
      begun.push(name);
      return promise;
    };
    return { result: reads.run(work, undefined, name[0], isPatient), end: () => resolve(name) };
  };
  // Three lists of one organisation read; its exports wait for them, and have none of the turns that others can have.
  const lists = ['a1', 'a2', 'a3'].map((name) => asked(name, false));
  const waiting = ['a4', 'a5'].map((name) => asked(name, true));
  const other = asked('b1', true);
  expect(begun).toEqual(['a1', 'a2', 'a3', 'b1']);
  // The queue of what can wait is its own.
  expect(await asked('c1', true).result.catch(code)).toBe('unavailable');
  const list = asked('c2', false);
  lists[0]?.end();
  await lists[0]?.result;
  expect(begun.slice(4)).toEqual(['c2']);
  for (const { end } of [...lists, ...waiting, other, list]) end();
  await Promise.all([...lists, ...waiting, other, list].map(({ result }) => result));
  expect(begun.slice(5)).toEqual(['a4', 'a5']);
});

it('lets all begin whom the end of one has kept: by whose it was, and by what it was', async () => {
  const reads = new ListReads({
    ...{ running_max: 4, waiting_max: 10, wait_ms: 10_000, ofOne: { running_max: 2, waiting_max: 9 } },
    patient: { running_max: 1, waiting_max: 9, wait_ms: 10_000 },
  });
  const [first, second] = [held(), held()];
  const running = [
    reads.run(() => first.promise, undefined, 'a', true),
    reads.run(() => second.promise, undefined, 'a'),
  ];
  const begun: string[] = [];
  const begin = (name: string, isPatient: boolean) =>
    reads.run(() => Promise.resolve(begun.push(name)), undefined, name, isPatient);
  const waiting = [begin('a', false), begin('b', true)];
  expect(begun).toEqual([]);
  first.resolve('done');
  await running[0];
  await Promise.all(waiting);
  expect(begun).toEqual(['b', 'a']);
  second.resolve('done');
});
