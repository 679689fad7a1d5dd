import { describe, expect, it } from 'vitest';
import { readRoute } from './route-document.js';

const whole = {
  name: 'eu_visa',
  priority: 10,
  match: { method: 'card', assets: ['EUR'], countries: ['DE'], brands: ['visa'], amount_min: '1', amount_max: '10000' },
  targets: [
    { connector: 'cards', weight: 80, cost: { basis_points: 120, fixed: '30' } },
    { connector: 'cards_b', weight: 20, cost: { basis_points: 90, fixed: '50' } },
  ],
  prefer: 'cost',
  window_min: 30,
  exploration_percent: 10,
};

describe('a route that is written down', () => {
  it('is read as it stands', () => {
    expect(readRoute(whole)).toEqual(whole);
  });

  it('has defaults for what is left out', () => {
    expect(readRoute({ name: 'all', targets: [{ connector: 'cards' }] })).toEqual({
      name: 'all',
      priority: 100,
      match: { method: null, assets: null, countries: null, brands: null, amount_min: null, amount_max: null },
      targets: [{ connector: 'cards', weight: 1, cost: { basis_points: 0, fixed: '0' } }],
      prefer: 'weight',
      window_min: 15,
      exploration_percent: 5,
    });
  });

  it.each<[string, unknown, string]>([
    ['no object', [], 'the route must be an object'],
    ['no name', { ...whole, name: undefined }, 'name must be'],
    ['a name that is not one', { ...whole, name: 'EU visa' }, 'name must be'],
    ['what is not known', { ...whole, weight: 1 }, 'weight is not known'],
    ['what a match does not know', { ...whole, match: { asset: 'EUR' } }, 'match/asset is not known'],
    ['no target', { ...whole, targets: [] }, 'targets must be a list'],
    [
      'a connector that nobody knows',
      { ...whole, targets: [{ connector: 'card' }] },
      'targets/0/connector must be one of cards, cards_b',
    ],
    [
      'a connector that asks nobody',
      { ...whole, targets: [{ connector: 'internal' }] },
      'targets/0/connector must be one of',
    ],
    [
      'a connector twice',
      { ...whole, targets: [{ connector: 'cards' }, { connector: 'cards' }] },
      'targets name a connector twice',
    ],
    ['no weight at all', { ...whole, targets: [{ connector: 'cards', weight: 0 }] }, 'targets all have weight 0'],
    [
      'half a weight',
      { ...whole, targets: [{ connector: 'cards', weight: 0.5 }] },
      'targets/0/weight must be a whole number',
    ],
    [
      'a cost as a number',
      { ...whole, targets: [{ connector: 'cards', cost: { fixed: 30 } }] },
      'targets/0/cost/fixed must be minor units',
    ],
    ['an amount with a point', { ...whole, match: { amount_min: '1.5' } }, 'match/amount_min must be minor units'],
    [
      'amounts the wrong way round',
      { ...whole, match: { amount_min: '2', amount_max: '1' } },
      'match/amount_min must not be greater',
    ],
    ['an amount of any asset', { ...whole, match: { amount_min: '100' } }, 'match/assets must name one asset'],
    [
      'an amount of two assets',
      { ...whole, match: { ...whole.match, assets: ['EUR', 'JPY'] } },
      'match/assets must name one asset',
    ],
    [
      'a fixed cost of any asset',
      { ...whole, match: {}, targets: [{ connector: 'cards', cost: { fixed: '1' } }] },
      'match/assets must name one asset',
    ],
    ['a preference that is none', { ...whole, prefer: 'price' }, 'prefer must be one of'],
    ['a longer window than is kept', { ...whole, window_min: 61 }, 'window_min must be a whole number from 1 to 60'],
  ])('is refused for %s', (_what, document, fault) => {
    const read = readRoute(document);
    expect('faults' in read && read.faults.some((line) => line.startsWith(fault))).toBe(true);
  });

  it('is told of everything at once', () => {
    expect(readRoute({ name: '', targets: 1, prefer: 'x' })).toMatchObject({ faults: { length: 3 } });
  });
});
