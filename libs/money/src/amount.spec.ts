import { describe, expect, it } from 'vitest';
import { AMOUNT_MAX, formatAmount, parseAmount } from './amount.js';

describe('parseAmount', () => {
  it.each([
    ['0', 0n],
    ['1', 1n],
    ['1999', 1999n],
    ['9007199254740993', 9007199254740993n],
    ['9223372036854775807', AMOUNT_MAX],
  ])('reads %s', (text, amount) => {
    expect(parseAmount(text)).toBe(amount);
    expect(formatAmount(amount)).toBe(text);
  });

  it.each([
    '',
    ' ',
    ' 12 ',
    '-1',
    '+1',
    '0.1',
    '1.0',
    '1e3',
    '0x10',
    '007',
    '00',
    '1,000',
    '1_000',
    '１２',
    '٣',
    '9223372036854775808',
    '1'.repeat(40),
    'NaN',
    'null',
  ])('refuses the text %j', (text) => expect(parseAmount(text)).toBeUndefined());

  it.each([1, 0.1, null, undefined, {}, ['1'], true])('refuses %j, which is not a text', (value) =>
    expect(parseAmount(value)).toBeUndefined(),
  );
});
