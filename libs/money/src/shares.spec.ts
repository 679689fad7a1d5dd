import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AMOUNT_MAX } from './amount.js';
import { sharesOf } from './shares.js';

const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
const parts = fc
  .array(fc.bigInt({ min: 0n, max: 10n ** 17n }), { minLength: 1, maxLength: 11 })
  .filter((all) => sum(all) > 0n);
const smallParts = fc
  .array(fc.bigInt({ min: 0n, max: 12n }), { minLength: 1, maxLength: 11 })
  .filter((all) => sum(all) > 0n);

describe('the shares of the first units', () => {
  it.each([
    [0n, [30n, 970n], [0n, 0n]],
    [1000n, [30n, 970n], [30n, 970n]],
    [500n, [30n, 970n], [15n, 485n]],
    [16n, [30n, 970n], [0n, 16n]],
    [17n, [30n, 970n], [1n, 16n]],
    [1n, [1n, 1n, 1n], [1n, 0n, 0n]],
    [2n, [1n, 1n, 1n], [1n, 1n, 0n]],
    [4n, [1n, 1n, 1n], [2n, 1n, 1n]],
    [5n, [0n, 7n], [0n, 5n]],
    [AMOUNT_MAX, [1n, AMOUNT_MAX - 1n], [1n, AMOUNT_MAX - 1n]],
  ])('of %s, by %s, are %s', (units, whole, shares) => {
    expect(sharesOf(units, whole)).toEqual(shares);
  });

  it.each([
    [1n, []],
    [1n, [0n, 0n]],
    [1n, [2n, -1n]],
    [-1n, [1n]],
  ])('of %s by %s are a mistake', (units, whole) => {
    expect(() => sharesOf(units, whole)).toThrow(RangeError);
  });

  it('sum to the units, and of the whole each is its part', () => {
    fc.assert(
      fc.property(parts, fc.bigInt({ min: 0n, max: AMOUNT_MAX }), (all, units) => {
        expect(sum(sharesOf(units, all))).toBe(units);
        expect(sharesOf(sum(all), all)).toEqual(all);
      }),
    );
  });

  it('grow one unit at a time, and no unit takes one away from a share', () => {
    fc.assert(
      fc.property(smallParts, fc.integer({ min: 0, max: 200 }), (all, units) => {
        const before = sharesOf(BigInt(units), all);
        const after = sharesOf(BigInt(units) + 1n, all);
        const grown = after.map((share, at) => share - (before[at] as bigint));
        expect(grown.filter((units) => units === 1n)).toHaveLength(1);
        expect(grown.filter((units) => units === 0n)).toHaveLength(all.length - 1);
      }),
      { numRuns: 1_000 },
    );
  });

  it('are off their proportion by half a unit for each part and half a unit more, at most', () => {
    fc.assert(
      fc.property(parts, fc.bigInt({ min: 0n, max: AMOUNT_MAX }), (all, units) => {
        const whole = sum(all);
        const bound = (BigInt(all.length) + 1n) * whole;
        for (const [at, share] of sharesOf(units, all).entries()) {
          const off = 2n * (share * whole - units * (all[at] as bigint));
          expect(off <= bound && -off <= bound).toBe(true);
        }
      }),
    );
  });
});
