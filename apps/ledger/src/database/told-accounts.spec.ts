import { expect, it } from 'vitest';
import type { Writer } from './remembered-accounts.js';
import { ToldAccounts } from './told-accounts.js';
import { readTold, toldTexts, type Counters, type ToldText } from './told-text.js';

const writer = (xact: string): Writer => ({ xact, at_ms: 1, ended: undefined, isTold: true });
const counters = (version: number): Counters => ({
  version,
  postedDebits: 0n,
  postedCredits: 0n,
  pendingDebits: 0n,
  pendingCredits: 0n,
});
const textOf = (...accounts: readonly (readonly [number, Counters])[]): ToldText =>
  readTold(toldTexts({ xact: '1', at_ms: 1, accounts })[0] as string) as ToldText;

it('knows what was told last of an account, and by whom', () => {
  const told = new ToldAccounts();
  const [first, second] = [writer('1'), writer('2')];
  told.add(textOf([5, counters(2)], [6, counters(9)]), first);
  told.add(textOf([5, counters(3)]), second);
  expect(told.of(5)).toMatchObject({ nth: 2, writer: second, version: 3 });
  expect(told.of(6)?.counters()).toEqual(counters(9));
  expect(told.of(7)).toBeUndefined();
});

it('forgets what was wrong, and everything', () => {
  const told = new ToldAccounts();
  told.add(textOf([5, counters(2)], [6, counters(2)]), writer('1'));
  told.forget(5);
  expect([told.of(5), told.of(6)?.version]).toEqual([undefined, 2]);
  told.clear();
  expect(told.of(6)).toBeUndefined();
  expect(told.keptSince).toBe(told.latest);
});

it('keeps a bounded number of texts, and says since when', () => {
  const told = new ToldAccounts();
  told.add(textOf([1, counters(2)], [2, counters(2)]), writer('1'));
  for (let at = 0; at < 4_095; at++) told.add(textOf([2, counters(3)]), writer('2'));
  expect([told.of(1)?.version, told.keptSince]).toEqual([2, 0]);
  told.add(textOf([3, counters(1)]), writer('3'));
  expect([told.of(1), told.of(2)?.version, told.keptSince]).toEqual([undefined, 3, 1]);
});
