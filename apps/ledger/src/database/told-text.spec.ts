import { newUuid } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { readTold, shortKey, toldTexts, type Counters, type ToldText } from './told-text.js';

const counters = (version: number, postedDebits = 1n): Counters => ({
  postedDebits,
  postedCredits: 9_223_372_036_854_775_807n,
  pendingDebits: 0n,
  pendingCredits: 5n,
  version,
});

const sameTold = (texts: readonly string[]) =>
  texts
    .map((text) => readTold(text) as ToldText)
    .flatMap((text) =>
      Array.from(
        { length: text.length },
        (_, at) => [text.keyOf(at), text.versionOf(at), text.countersOf(at)] as const,
      ),
    );

describe('what a batch tells', () => {
  it('is read as it was told, in texts that the server takes', () => {
    const accounts = Array.from({ length: 1_000 }, (_, at) => {
      const key = shortKey(newUuid(), at % 2 === 0, newUuid());
      return [key, counters(at + 1, BigInt(at))] as const;
    });
    const texts = toldTexts({ xact: '9223372036854775807', at_ms: 1_700_000_000_123, accounts });
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThan(8_000);
    expect(sameTold(texts)).toEqual(accounts.map(([key, told]) => [key, told.version, told]));
    expect(readTold(texts[0] as string)).toMatchObject({ xact: '9223372036854775807', at_ms: 1_700_000_000_123 });
  });

  it('has no version where the account is to be read again', () => {
    const [text = ''] = toldTexts({ xact: '7', at_ms: 1, accounts: [[3, undefined]] });
    const told = readTold(text);
    expect([told?.length, told?.keyOf(0), told?.versionOf(0)]).toEqual([1, 3, 0]);
  });

  it.each([
    ['a transaction that there cannot be', '9223372036854775808', counters(2)],
    ['less than nothing', '7', counters(2, -1n)],
  ])('tells nothing where it names %s', (_what, xact, told) => {
    const accounts = [
      [1, counters(1)],
      [2, told],
    ] as const;
    expect(toldTexts({ xact, at_ms: 1, accounts }).map(readTold)).toEqual([undefined]);
  });

  it('is no text where there is nothing to tell', () => {
    expect(toldTexts({ xact: '7', at_ms: 1, accounts: [] })).toEqual([]);
  });
});

it.each(['', 'x', '1', '1 1', '1 -1 ', '1 1 AAAA', '1 1.5 ', 'join'])('%j tells nothing', (text) => {
  expect(readTold(text)).toBeUndefined();
});

it('another tenant, mode or account has another key', () => {
  const [tenant, uuid] = [newUuid(), newUuid()];
  const keys = [
    shortKey(tenant, false, uuid),
    shortKey(tenant, true, uuid),
    shortKey(newUuid(), false, uuid),
    shortKey(tenant, false, newUuid()),
  ];
  expect(new Set(keys).size).toBe(4);
  expect(shortKey(tenant, false, uuid)).toBe(keys[0]);
});
