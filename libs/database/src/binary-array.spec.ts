import { describe, expect, it } from 'vitest';
import { bigintArray, hexArray, sparse, uuidArray } from './binary-array.js';

const hex = (buffer: Buffer) => buffer.toString('hex');

describe('uuidArray', () => {
  it('writes number, type and lengths before the bytes', () => {
    expect(hex(uuidArray(['0190163d-8694-739b-AEA5-966c26f8ad90']))).toBe(
      '00000001' + '00000000' + '00000b86' + '00000001' + '00000001' + '00000010' + '0190163d8694739baea5966c26f8ad90',
    );
  });

  it('writes nulls without bytes', () => {
    expect(hex(uuidArray([null]))).toBe('00000001' + '00000001' + '00000b86' + '00000001' + '00000001' + 'ffffffff');
  });

  it('refuses what cannot be a UUID', () => expect(() => uuidArray(['0190163d'])).toThrow(RangeError));
});

it('bigintArray writes eight bytes, the sign first', () => {
  expect(hex(bigintArray(['1', -1n, 9_223_372_036_854_775_807n, null]))).toBe(
    '00000001' +
      '00000001' +
      '00000014' +
      '00000004' +
      '00000001' +
      '00000008' +
      '0000000000000001' +
      '00000008' +
      'ffffffffffffffff' +
      '00000008' +
      '7fffffffffffffff' +
      'ffffffff',
  );
});

it('hexArray writes the bytes', () => {
  expect(hex(hexArray(['00ffAb', '010203']))).toBe(
    '00000001' + '00000000' + '00000011' + '00000002' + '00000001' + '00000003' + '00ffab' + '00000003' + '010203',
  );
});

it('sparse leaves out a column in which nothing stands', () => {
  expect(sparse([null, null])).toEqual([]);
  expect(sparse([null, 'a'])).toEqual([null, 'a']);
});
