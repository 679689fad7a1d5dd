import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocate } from './allocation.js';
import { AMOUNT_MAX } from './amount.js';

describe('an allocation', () => {
  it.each([
    [100n, [1n, 1n, 1n], [34n, 33n, 33n]],
    [101n, [1n, 1n, 1n], [34n, 34n, 33n]],
    [1000n, [29n, 971n], [29n, 971n]],
    [10n, [29n, 971n], [0n, 10n]],
    [5n, [1n, 2n, 0n], [2n, 3n, 0n]],
    [0n, [3n, 1n], [0n, 0n]],
    [1n, [1n], [1n]],
    [AMOUNT_MAX, [1n, AMOUNT_MAX], [1n, AMOUNT_MAX - 1n]],
  ])('of %s by %s is %s', (whole, weights, parts) => {
    expect(allocate(whole, weights)).toEqual(parts);
  });

  it.each([
    [1n, []],
    [1n, [0n, 0n]],
    [1n, [2n, -1n]],
    [-1n, [1n]],
  ])('of %s by %s is a mistake', (whole, weights) => {
    expect(() => allocate(whole, weights)).toThrow(RangeError);
  });

  const whole = fc.bigInt({ min: 0n, max: AMOUNT_MAX });
  const weights = fc
    .array(fc.bigInt({ min: 0n, max: 10n ** 18n }), { minLength: 1, maxLength: 40 })
    .filter((all) => all.some((weight) => weight > 0n));

  it('sums to the whole, and gives no part a unit more or less than its weight', () => {
    fc.assert(
      fc.property(whole, weights, (total, all) => {
        const parts = allocate(total, all);
        const sum = all.reduce((a, b) => a + b, 0n);
        expect(parts.reduce((a, b) => a + b, 0n)).toBe(total);
        for (const [at, part] of parts.entries()) {
          const exact = total * (all[at] as bigint);
          expect(part * sum - exact < sum && exact - part * sum < sum).toBe(true);
        }
      }),
    );
  });

  it('is the same for weights in the same proportion, and never less for a greater weight', () => {
    fc.assert(
      fc.property(whole, weights, fc.bigInt({ min: 1n, max: 1_000n }), (total, all, factor) => {
        const parts = allocate(total, all);
        expect(
          allocate(
            total,
            all.map((weight) => weight * factor),
          ),
        ).toEqual(parts);
        for (const [at, part] of parts.entries())
          for (const [other, weight] of all.entries())
            if (weight > (all[at] as bigint)) expect((parts[other] as bigint) >= part).toBe(true);
      }),
    );
  });
});
