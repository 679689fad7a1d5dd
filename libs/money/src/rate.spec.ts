import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AMOUNT_MAX } from './amount.js';
import { convert } from './rate.js';

const positive = fc.bigInt({ min: 1n, max: AMOUNT_MAX });

describe('convert', () => {
  it.each([
    [100n, 1n, 1n, 100n],
    [100n, 92n, 100n, 92n],
    [199n, 1n, 100n, 1n],
    [99n, 1n, 100n, 0n],
    [1n, 1_000_000_000n, 1n, 1_000_000_000n],
    [AMOUNT_MAX, AMOUNT_MAX, AMOUNT_MAX, AMOUNT_MAX],
    [AMOUNT_MAX, AMOUNT_MAX, 1n, AMOUNT_MAX * AMOUNT_MAX],
  ])('%d at %d / %d is %d', (amount, numerator, denominator, expected) => {
    expect(convert(amount, { numerator, denominator })).toBe(expected);
  });

  it('never gives more than the rate, and less than one minor unit less', () => {
    fc.assert(
      fc.property(positive, positive, positive, (amount, numerator, denominator) => {
        const due = amount * numerator - convert(amount, { numerator, denominator }) * denominator;
        expect(due >= 0n && due < denominator).toBe(true);
      }),
    );
  });

  it('gains nothing there and back, nor in parts', () => {
    fc.assert(
      fc.property(positive, positive, positive, positive, (amount, more, numerator, denominator) => {
        const rate = { numerator, denominator };
        const back = convert(convert(amount, rate), { numerator: denominator, denominator: numerator });
        expect(back <= amount).toBe(true);
        expect(convert(amount, rate) + convert(more, rate) <= convert(amount + more, rate)).toBe(true);
      }),
    );
  });
});
