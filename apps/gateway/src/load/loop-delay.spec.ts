import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LoopDelay } from './loop-delay.js';

const HELD_UP_MS = 150;

let loop: LoopDelay;

beforeEach(() => {
  loop = new LoopDelay();
});
afterEach(() => loop.close());

/** Turns in which nothing else can run, and after each of which it is looked how late it was: as a timer does that is late itself. */
async function heldUp(turns: number): Promise<number> {
  for (let at = 0; at < turns; at++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, HELD_UP_MS);
    await delay(0);
    loop.look();
  }
  return loop.now_ms;
}

it('notices a loop that is late, also where it is looked at after every turn, and the more the longer that goes on', async () => {
  const soon_ms = await heldUp(5);
  expect(soon_ms).toBeGreaterThan(HELD_UP_MS / 4);
  expect(await heldUp(5)).toBeGreaterThan(soon_ms);
});

it('forgets it by and by', async () => {
  const late_ms = await heldUp(5);
  // No more is measured from here.
  loop.close();
  for (let at = 0; at < 12; at++) loop.look();
  expect(loop.now_ms).toBeLessThan(late_ms / 4);
});
