import { describe, expect, it } from 'vitest';
import { ASSETS, asset, isAssetCode } from './asset.js';

describe('assets', () => {
  it.each([
    ['USD', 2],
    ['JPY', 0],
    ['BHD', 3],
    ['BTC', 8],
    ['SOL', 9],
    ['USDC', 6],
    ['ETH', 9],
  ])('%s has %i minor digits', (code, scale) => expect(asset(code).scale).toBe(scale));

  it.each(['usd', 'XXX', '', 'USDT', 'DEM', null, 3, 'toString'])('does not know %j', (code) =>
    expect(isAssetCode(code)).toBe(false),
  );

  it('names every asset once', () => {
    expect(ASSETS.size).toBe(new Set(ASSETS.keys()).size);
    expect(ASSETS.size).toBeGreaterThan(150);
  });
});
