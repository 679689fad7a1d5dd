import { expect, it } from 'vitest';
import { Received } from './received.js';

const job = (id: string, at_ms: number) => ({ id, locked_at: new Date(at_ms) });
const says =
  (...held: ReturnType<typeof job>[]) =>
  () =>
    Promise.resolve(held);

it('tells what the queue holds for the process that has not come to it', async () => {
  const received = new Received();
  received.note([job('1', 10), job('2', 10)]);
  expect(await received.unheard(says(job('1', 10), job('3', 10)))).toEqual(['3']);
});

it('knows a job that has come before, and was taken again in a reply that was lost', async () => {
  const received = new Received();
  received.note([job('1', 10)]);
  expect(await received.unheard(says(job('1', 20)))).toEqual(['1']);
});

it('keeps what comes while the queue is read', async () => {
  const received = new Received();
  received.note([job('1', 10)]);
  const read = () => {
    received.note([job('1', 20), job('2', 20)]);
    return says()();
  };
  expect(await received.unheard(read)).toEqual([]);
  expect(await received.unheard(says(job('1', 20), job('2', 20)))).toEqual([]);
});
