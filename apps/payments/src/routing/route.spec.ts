import type { Capabilities } from '@payflow/connectors';
import { describe, expect, it } from 'vitest';
import { route, type Eligible, type Records } from './route.js';
import type { Route, RouteMatch, RouteTarget, Traveller } from './rule.js';

const capabilities: Capabilities = {
  methods: ['card'],
  assets: null,
  countries: null,
  brands: null,
  actions: ['authorize', 'sale'],
  multipleCaptures: true,
  overcapture_percent: 0,
  authorizationValid_ms: 1_000,
  keysKept_ms: null,
  amount: { min: null, max: null },
  isOutside: true,
};
const connector = (name: string, change: Partial<Capabilities> = {}): Eligible => ({
  name,
  capabilities: { ...capabilities, ...change },
});
const connectors = [connector('one'), connector('two'), connector('three')];
const payment: Traveller = { paymentId: 'pay_1', method: 'card', action: 'sale', asset: 'USD', amount: '10000' };
const target = (name: string, change: Partial<RouteTarget> = {}): RouteTarget => ({
  connector: name,
  weight: 1,
  cost: { basis_points: 0, fixed: '0' },
  ...change,
});
const all: RouteMatch = {
  method: null,
  assets: null,
  countries: null,
  brands: null,
  amount_min: null,
  amount_max: null,
};
const rule = (change: Partial<Route> = {}): Route => ({
  id: 'r1',
  tenant: null,
  livemode: false,
  name: 'rule',
  priority: 100,
  match: all,
  targets: [target('two')],
  prefer: 'weight',
  window_min: 15,
  exploration_percent: 0,
  ...change,
});
const none: Records = () => ({ succeeded: 0, tried: 0 });
const names = (...given: Parameters<typeof route>) => route(...given).candidates.map((each) => each.connector);

describe('without a route', () => {
  it('asks whoever can do it, as the registry has them', () => {
    const explained = route(payment, [], [connector('wallet', { methods: ['internal'] }), ...connectors], none);
    expect(explained.candidates.map((each) => each.connector)).toEqual(['one', 'two', 'three']);
    expect(explained).toMatchObject({
      route: null,
      left_out: [{ connector: 'wallet', reason: 'method_not_supported' }],
    });
  });

  it.each<[string, Partial<Capabilities>, string]>([
    ['action', { actions: ['capture'] }, 'action_not_supported'],
    ['asset', { assets: ['EUR'] }, 'asset_not_supported'],
    ['brand', { brands: ['amex'] }, 'brand_not_supported'],
    ['country', { countries: ['FR'] }, 'country_not_supported'],
    ['least amount', { amount: { min: '10001', max: null } }, 'amount_not_supported'],
    ['greatest amount', { amount: { min: null, max: '9999' } }, 'amount_not_supported'],
  ])('leaves out who cannot do the %s, and says so', (_what, change, reason) => {
    const visa = { ...payment, brand: 'visa', country: 'DE' };
    const { candidates, left_out } = route(visa, [], [connector('one', change), connector('two')], none);
    expect(candidates).toEqual([{ connector: 'two', reason: 'only_one' }]);
    expect(left_out).toEqual([{ connector: 'one', reason }]);
  });
});

describe('which route decides', () => {
  it.each<[string, Partial<RouteMatch>, Partial<Traveller>, boolean]>([
    ['no condition', {}, {}, true],
    ['its method', { method: 'card' }, {}, true],
    ['another method', { method: 'internal' }, {}, false],
    ['its asset', { assets: ['EUR', 'USD'] }, {}, true],
    ['another asset', { assets: ['EUR'] }, {}, false],
    ['its brand', { brands: ['visa'] }, { brand: 'visa' }, true],
    ['a brand that is not known', { brands: ['visa'] }, {}, false],
    ['its country', { countries: ['FR', 'DE'] }, { country: 'DE' }, true],
    ['a country that is not known', { countries: ['DE'] }, {}, false],
    ['another country', { countries: ['DE'] }, { country: 'FR' }, false],
    ['the least amount', { amount_min: '10000' }, {}, true],
    ['less', { amount_min: '10001' }, {}, false],
    ['the greatest amount', { amount_max: '10000' }, {}, true],
    ['more', { amount_max: '9999' }, {}, false],
  ])('%s', (_what, match, change, isIts) => {
    const { route: decided } = route(
      { ...payment, ...change },
      [rule({ match: { ...all, ...match } })],
      connectors,
      none,
    );
    expect(decided !== null).toBe(isIts);
  });

  it('is the one with the least priority, and the organisation’s own before one of all', () => {
    const routes = [
      rule({ id: 'r1', name: 'all', targets: [target('one')] }),
      rule({ id: 'r2', name: 'own', tenant: 'org_1', targets: [target('two')] }),
      rule({ id: 'r3', name: 'late', priority: 101, tenant: 'org_1', targets: [target('three')] }),
    ];
    expect(names(payment, routes, connectors, none)).toEqual(['two']);
    expect(
      names(payment, [...routes, rule({ id: 'r4', priority: 1, targets: [target('three')] })], connectors, none),
    ).toEqual(['three']);
  });

  it('is the next where none of its connectors can do it', () => {
    const routes = [rule({ id: 'r1', priority: 1, targets: [target('gone')] }), rule({ id: 'r2' })];
    expect(route(payment, routes, connectors, none).route).toEqual({ id: 'r2', name: 'rule' });
  });

  it('says of its own targets why they are left out', () => {
    const some = [connector('one', { assets: ['EUR'] }), connector('two')];
    const targets = [target('one'), target('two'), target('gone')];
    expect(route(payment, [rule({ targets })], some, none)).toMatchObject({
      candidates: [{ connector: 'two', reason: 'only_one' }],
      left_out: [
        { connector: 'one', reason: 'asset_not_supported' },
        { connector: 'gone', reason: 'not_configured' },
      ],
    });
  });
});

describe('in which order', () => {
  const shares = (routes: readonly Route[], records: Records = none) => {
    const firsts = Array.from(
      { length: 4_000 },
      (_, n) => names({ ...payment, paymentId: `pay_${n}` }, routes, connectors, records)[0],
    );
    return (name: string) => firsts.filter((each) => each === name).length / firsts.length;
  };

  it('divides by weight, always the same way for the same payment', () => {
    const routes = [
      rule({ targets: [target('one', { weight: 80 }), target('two', { weight: 20 }), target('three', { weight: 0 })] }),
    ];
    const share = shares(routes);
    expect(share('one')).toBeCloseTo(0.8, 1);
    expect(share('two')).toBeCloseTo(0.2, 1);
    expect(share('three')).toBe(0);
    expect(names(payment, routes, connectors, none)).toEqual(names(payment, routes, connectors, none));
    expect(names(payment, routes, connectors, none).at(-1)).toBe('three');
  });

  it('takes the cheapest for this amount', () => {
    const targets = [
      target('one', { cost: { basis_points: 290, fixed: '0' } }),
      target('two', { cost: { basis_points: 100, fixed: '100' } }),
    ];
    const routes = [rule({ targets, prefer: 'cost' })];
    expect(route({ ...payment, amount: '10000' }, routes, connectors, none).candidates).toMatchObject([
      { connector: 'two', reason: 'cheapest', cost: '200' },
      { connector: 'one', reason: 'next', cost: '290' },
    ]);
    expect(route({ ...payment, amount: '1001' }, routes, connectors, none).candidates).toMatchObject([
      { connector: 'one', reason: 'cheapest', cost: '30' },
      { connector: 'two', reason: 'next', cost: '111' },
    ]);
  });

  it('takes who has succeeded most, and does not take one try for a rate', () => {
    const records: Records = (name) =>
      ({ one: { succeeded: 90, tried: 100 }, two: { succeeded: 1, tried: 1 }, three: { succeeded: 99, tried: 100 } })[
        name
      ] ?? { succeeded: 0, tried: 0 };
    const routes = [rule({ targets: [target('one'), target('two'), target('three')], prefer: 'success_rate' })];
    expect(names(payment, routes, connectors, records)).toEqual(['three', 'one', 'two']);
    expect(route(payment, routes, connectors, records).candidates[0]).toEqual({
      connector: 'three',
      reason: 'most_successful',
      weight: 1,
      cost: '0',
      succeeded: 99,
      tried: 100,
    });
  });

  it.each(['cost', 'success_rate'] as const)('asks who has no weight only when the others fail (by %s)', (prefer) => {
    const records: Records = (name) => ({ succeeded: name === 'two' ? 100 : 10, tried: 100 });
    const dear = { cost: { basis_points: 290, fixed: '0' } };
    const targets = [target('one', dear), target('two', { weight: 0 }), target('three', dear)];
    const routes = [rule({ targets, prefer, exploration_percent: 50 })];
    const share = shares(routes, records);
    expect([share('two'), share('one') + share('three')]).toEqual([0, 1]);
    expect(names(payment, routes, connectors, records).at(-1)).toBe('two');
    const alone = [rule({ targets: [target('two', { weight: 0 })], prefer })];
    expect(names(payment, alone, connectors, records)).toEqual(['two']);
  });

  it('goes by weight while too little was tried of all that the route names, and says so', () => {
    const targets = [target('one', { weight: 3 }), target('two', { weight: 1 }), target('three', { weight: 0 })];
    const routes = [rule({ targets, prefer: 'success_rate', exploration_percent: 0 })];
    const tried = (one: number, two: number) => (name: string) =>
      ({ one: { succeeded: 0, tried: one }, two: { succeeded: two, tried: two } })[name] ?? { succeeded: 0, tried: 0 };
    const few = shares(routes, tried(10, 9));
    expect([few('one') + few('two'), few('three')]).toEqual([1, 0]);
    expect(few('one')).toBeCloseTo(0.75, 1);
    expect(route(payment, routes, connectors, tried(10, 9))).toMatchObject({
      prefer: 'success_rate',
      candidates: [{ reason: 'drawn' }, { reason: 'next' }, { reason: 'next' }],
    });
    expect(shares(routes, tried(10, 10))('two')).toBe(1);
  });

  it('sends a share to the others all the same', () => {
    const records: Records = (name) => (name === 'one' ? { succeeded: 100, tried: 100 } : { succeeded: 0, tried: 100 });
    const routes = [rule({ targets: [target('one'), target('two')], prefer: 'success_rate', exploration_percent: 10 })];
    const share = shares(routes, records);
    expect(share('two')).toBeCloseTo(0.1, 1);
    expect(share('two')).toBeGreaterThan(0.05);
  });
});
