import { newId, uuidOf } from '@payflow/contracts';
import type { Capabilities, Connector } from '@payflow/connectors';
import { openDatabase, type Database } from '@payflow/database';
import { createTestDatabase, statementsOf, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { ROUTES_MAX, listRoutes, putRoute, removeRoute, routedOutcomes } from '../database/route.repository.js';
import { Router, type RoutingWish } from './router.js';
import type { Route } from './rule.js';

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
/** Providers may be played; these are never asked, only chosen among. */
const played = (name: string, change: Partial<Capabilities> = {}): Connector => ({
  name,
  capabilities: { ...capabilities, ...change },
  ask: () => Promise.reject(new Error('not asked')),
  inquire: () => Promise.reject(new Error('not asked')),
  webhooks: null,
  close: async () => undefined,
});
const connectors = [
  played('internal', { methods: ['internal'], isOutside: false }),
  played('cards'),
  played('cards_b'),
];

/** The same, of one mode alone. */
const ofMode = (mode: 'test' | 'live', name: string): Connector => ({ ...played(name), mode });

const wishOf = (tenant: string, change: Partial<RoutingWish> = {}): RoutingWish => ({
  tenant,
  livemode: false,
  payment: newId('payment'),
  action: 'sale',
  amount: 1_999n,
  asset: 'USD',
  request: { card: { type: 'card', token: 'tok_visa', brand: 'visa' } },
  tried: [],
  ...change,
});
const targetOf = (connector: string) => ({ connector, weight: 1, cost: { basis_points: 0, fixed: '0' } });
const rule = (change: Partial<Omit<Route, 'id'>> = {}): Omit<Route, 'id'> => ({
  tenant: null,
  livemode: false,
  name: 'rule',
  priority: 100,
  match: { method: null, assets: null, countries: null, brands: null, amount_min: null, amount_max: null },
  targets: [{ connector: 'cards_b', weight: 1, cost: { basis_points: 100, fixed: '5' } }],
  prefer: 'weight',
  window_min: 15,
  exploration_percent: 0,
  ...change,
});

describe('routing', () => {
  let db: TestDatabase;
  let owner: Database;
  beforeAll(async () => {
    db = await createTestDatabase('payments', migrations);
    owner = await openDatabase({ url: db.ownerUrl, poolSize: 2, applicationName: 'spec' });
  });
  afterAll(async () => {
    await owner?.close();
    await db?.drop();
  });

  it('goes by the order of the registry where nothing is defined, and to the next where one was tried', async () => {
    const router = new Router(db.database, connectors);
    const wish = wishOf(newId('tenant'));
    const first = await router.choose(wish);
    expect(first).toMatchObject({ connector: { name: 'cards' }, explained: { route: null, tried: [] } });
    expect(await router.choose({ ...wish, tried: ['cards'] })).toMatchObject({ connector: { name: 'cards_b' } });
    expect(await router.choose({ ...wish, tried: ['cards', 'cards_b'] })).toBeUndefined();
  });

  it('goes by an organisation’s own route in its mode, and explains it', async () => {
    const tenant = newId('tenant');
    expect(await putRoute(owner, rule({ tenant }), 'operator')).toBe(true);
    const router = new Router(db.database, connectors);
    const chosen = await router.choose(wishOf(tenant));
    expect(chosen?.connector.name).toBe('cards_b');
    expect(chosen?.explained).toMatchObject({
      route: { name: 'rule' },
      prefer: 'weight',
      candidates: [{ connector: 'cards_b', reason: 'only_one', cost: '25' }],
    });
    expect((await router.choose(wishOf(tenant, { livemode: true })))?.connector.name).toBe('cards');
    expect((await router.choose(wishOf(newId('tenant'))))?.connector.name).toBe('cards');
  });

  it('never takes a test payment to who is for live ones, nor the other way round, whatever a route says', async () => {
    const tenant = newId('tenant');
    for (const livemode of [false, true]) {
      const targets = [targetOf('cards'), targetOf('cards_b')];
      expect(await putRoute(owner, rule({ tenant, livemode, targets }), 'operator')).toBe(true);
    }
    const router = new Router(db.database, [ofMode('live', 'cards'), ofMode('test', 'cards_b')]);
    for (const asked of [tenant, newId('tenant')]) {
      const [test, live] = [wishOf(asked), wishOf(asked, { livemode: true })];
      expect((await router.choose(test))?.connector.name).toBe('cards_b');
      expect(await router.choose({ ...test, tried: ['cards_b'] })).toBeUndefined();
      expect((await router.choose(live))?.connector.name).toBe('cards');
      expect(await router.choose({ ...live, tried: ['cards'] })).toBeUndefined();
    }
  });

  it('keeps routes for a moment, so that a payment costs no statement', async () => {
    const router = new Router(db.database, connectors);
    const tenant = newId('tenant');
    expect(await statementsOf(() => router.choose(wishOf(tenant)))).toEqual(['payments.routes']);
    expect(await statementsOf(() => router.choose(wishOf(tenant)))).toEqual([]);
  });

  it('goes by a route as it was changed where the last payment is longer ago than that moment', async () => {
    const tenant = newId('tenant');
    let now_ms = 1;
    const router = new Router(db.database, connectors, () => now_ms);
    expect((await router.choose(wishOf(tenant)))?.connector.name).toBe('cards');
    await putRoute(owner, rule({ tenant }), 'operator');
    now_ms += 4_999;
    expect((await router.choose(wishOf(tenant)))?.connector.name).toBe('cards');
    now_ms += 2;
    expect((await router.choose(wishOf(tenant)))?.connector.name).toBe('cards_b');
  });

  it('defines a route anew under its name, and takes it away', async () => {
    const tenant = newId('tenant');
    await putRoute(owner, rule({ tenant }), 'operator');
    await putRoute(owner, rule({ tenant, priority: 1 }), 'operator');
    const own = (await listRoutes(db.database)).filter((each) => each.tenant === tenant);
    expect(own).toMatchObject([{ name: 'rule', priority: 1 }]);
    expect(await removeRoute(owner, { tenant, livemode: false, name: 'rule' })).toMatchObject({ priority: 1 });
    expect(await removeRoute(owner, { tenant, livemode: false, name: 'rule' })).toBeUndefined();
  });

  it('takes no more routes than can be kept an eye on', async () => {
    const tenant = newId('tenant');
    const names = Array.from({ length: ROUTES_MAX }, (_, n) => `rule_${n}`);
    await Promise.all(names.map((name) => putRoute(owner, rule({ tenant, name }), 'operator')));
    expect(await putRoute(owner, rule({ tenant, name: 'one_more' }), 'operator')).toBe(false);
    expect(await putRoute(owner, rule({ tenant, name: 'rule_0', priority: 1 }), 'operator')).toBe(true);
  });

  it('cannot be changed by the service itself', async () => {
    await expect(putRoute(db.database, rule(), 'service')).rejects.toThrow(/permission denied/);
  });

  /** What an organisation has tried. */
  const tries = (tenant: string, told: readonly string[]) =>
    db.tamper(`insert into attempts (tenant_id, livemode, id, payment_id, operation_id, action, status, asset, request, connector, created_at, sent_at)
      select '${uuidOf('tenant', tenant)}', livemode, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'sale', status, 'USD', '{}', connector,
        now() - age * interval '1 minute', case when sent then now() end
      from (values ${told.join(', ')}) as told (livemode, connector, status, times, age, sent), generate_series(1, times)`);
  const bySuccess = async (tenant: string) => {
    const targets = ['cards', 'cards_b'].map(targetOf);
    for (const livemode of [false, true])
      await putRoute(owner, rule({ tenant, livemode, targets, prefer: 'success_rate', window_min: 10 }), 'operator');
  };

  it('prefers who has succeeded most of late in the payment’s mode, as the organisation’s attempts tell it', async () => {
    const tenant = newId('tenant');
    await tries(tenant, [
      ...["(true, 'cards', 'approved', 50, 20, true)", "(true, 'cards', 'approved', 3, 5, true)"],
      ...["(true, 'cards', 'declined', 7, 5, true)", "(true, 'cards_b', 'approved', 8, 5, true)"],
      ...["(true, 'cards_b', 'unknown', 2, 5, true)", "(true, 'cards_b', 'sending', 90, 5, true)"],
      ...["(false, 'cards', 'approved', 60, 5, true)", "(false, 'cards_b', 'declined', 40, 5, true)"],
      ...["(true, 'cards_b', 'not_sent', 30, 5, false)", "(true, 'cards_b', 'unknown', 30, 5, false)"],
    ]);
    const within10 = async (livemode: boolean) =>
      (await routedOutcomes(db.database, { tenant, livemode }, 10))
        .map(({ minute: _minute, ...rest }) => rest)
        .toSorted((a, b) => (a.connector < b.connector ? -1 : 1));
    expect(await within10(true)).toEqual([
      { connector: 'cards', succeeded: 3, tried: 10 },
      { connector: 'cards_b', succeeded: 8, tried: 10 },
    ]);
    expect(await within10(false)).toEqual([
      { connector: 'cards', succeeded: 60, tried: 60 },
      { connector: 'cards_b', succeeded: 0, tried: 40 },
    ]);
    await bySuccess(tenant);
    const router = new Router(db.database, connectors);
    expect((await router.choose(wishOf(tenant)))?.connector.name).toBe('cards');
    const chosen = await router.choose(wishOf(tenant, { livemode: true }));
    expect(chosen?.explained.candidates).toMatchObject([
      { connector: 'cards_b', reason: 'most_successful', succeeded: 8, tried: 10 },
      { connector: 'cards', reason: 'next', succeeded: 3, tried: 10 },
    ]);
  });

  it('neither goes by what other organisations try, nor shows it, and asks for its own once', async () => {
    const [attacked, other, young] = [newId('tenant'), newId('tenant'), newId('tenant')];
    await tries(attacked, ["(true, 'cards', 'declined', 500, 5, true)", "(true, 'cards_b', 'approved', 20, 5, true)"]);
    await tries(other, ["(true, 'cards', 'approved', 19, 5, true)", "(true, 'cards_b', 'declined', 1, 5, true)"]);
    await bySuccess(attacked);
    await bySuccess(other);
    await bySuccess(young);
    const router = new Router(db.database, connectors);
    const wish = (tenant: string) => wishOf(tenant, { livemode: true });
    expect((await router.choose(wish(attacked)))?.connector.name).toBe('cards_b');
    expect((await router.choose(wish(other)))?.explained.candidates).toMatchObject([
      { connector: 'cards', reason: 'most_successful', succeeded: 19, tried: 19 },
      { connector: 'cards_b', reason: 'next', succeeded: 0, tried: 1 },
    ]);
    expect((await router.choose(wish(young)))?.explained.candidates).toMatchObject([
      { reason: 'drawn', succeeded: 0, tried: 0 },
      { reason: 'next', succeeded: 0, tried: 0 },
    ]);
    expect(await statementsOf(() => router.choose(wish(young)))).toEqual([]);
  });
});
