import { describe, expect, it } from 'vitest';
import { ASSETS } from './asset.js';
import { isReservedCode, isUnitCode } from './unit.js';

describe('the code of a unit', () => {
  it.each(['POINTS', 'AIRTIME', 'MIN1', 'A123', 'STAMPSOF2026'])('may be %s', (code) => {
    expect([isUnitCode(code), isReservedCode(code)]).toEqual([true, false]);
  });

  it.each([
    'points',
    'PTS',
    'PT1',
    '',
    'P',
    '1UP1',
    'A-BC',
    'POINTSOFLOVE1',
    'ＰＯＩＮＴ',
    'POINTS\n',
    null,
    7,
    undefined,
  ])('may not be %j', (code) => expect(isUnitCode(code)).toBe(false));

  it.each(['USD', 'XYZ', 'ZZZ', 'BTC', 'USDC', 'USDT', 'DOGE'])('may not be %s, which is reserved', (code) => {
    expect([isUnitCode(code), isReservedCode(code)]).toEqual([false, true]);
  });

  it('is never that of an asset which all have', () => {
    expect([...ASSETS.keys()].filter(isUnitCode)).toEqual([]);
  });
});
