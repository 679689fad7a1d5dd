import { expect, it } from 'vitest';
import { Breaker } from './breaker.js';

function broken(at: number): Breaker {
  const breaker = new Breaker();
  for (let i = 0; i < 5; i++) breaker.failed(at);
  return breaker;
}

it('stays closed through failures that are not in a row', () => {
  const breaker = new Breaker();
  for (let i = 0; i < 20; i++) {
    breaker.failed(i);
    if (i % 4 === 3) breaker.succeeded();
  }
  expect(breaker.admits(21)).toBe(true);
});

it('opens after five failures in a row and lets one call try a second later', () => {
  const breaker = broken(1_000);
  expect(breaker.admits(1_999)).toBe(false);
  expect(breaker.admits(2_000)).toBe(true);
  expect(breaker.admits(2_000)).toBe(false);
});

it('closes when the trial succeeds and opens again when it fails', () => {
  const breaker = broken(0);
  expect(breaker.admits(1_000)).toBe(true);
  breaker.failed(1_010);
  expect(breaker.admits(2_000)).toBe(false);
  expect(breaker.admits(2_010)).toBe(true);
  breaker.succeeded();
  expect(breaker.admits(2_011)).toBe(true);
});
