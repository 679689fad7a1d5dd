import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { newId } from '@payflow/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Scope } from '../../domain/scope.js';
import { Client, countRows } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const API = '/api/v1';
const WITHOUT_KEY = { 'idempotency-key': '' };
let stage: Stage;
let client: Client;
/** What came to the ledger's read API, and what it says. */
let ledger: Server;
let asked: { readonly path: string; readonly question: unknown }[] = [];
let saying: Record<string, unknown>;
/** What there is to do something about. */
const own = { alice: '', bob: '', euros: '', ofEuros: '', hold: '', transfer: '' };

beforeAll(async () => {
  ledger = createServer(async (request, response) => {
    asked.push({ path: request.url ?? '', question: JSON.parse(await text(request)) });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(saying));
  }).listen(0, '127.0.0.1');
  await once(ledger, 'listening');
  stage = await openStage({
    PAYFLOW_INTERNAL_SECRET: 's'.repeat(32),
    PAYFLOW_INTERNAL_LEDGER_URL: `http://127.0.0.1:${(ledger.address() as AddressInfo).port}`,
  });
  ({ client } = stage);
  [own.alice, own.bob, own.euros, own.ofEuros] = [
    await client.open(),
    await client.open(),
    await client.open('EUR'),
    await client.open('EUR'),
  ];
});
afterAll(async () => {
  await stage?.close();
  ledger.closeAllConnections();
  ledger.close();
});
beforeEach(async () => {
  asked = [];
  saying = { object: 'x', outcome: 'x', failure: null, transfers: [], accounts: [], as_of: 'x' };
  own.hold = await made(`${API}/holds`, movement());
  own.transfer = await made(`${API}/transfers`, movement());
});

const movement = (more: object = {}) => ({
  debit_account: own.alice,
  credit_account: own.bob,
  amount: '100',
  asset: 'USD',
  ...more,
});
const made = async (path: string, body: object) => (await client.post(path, body)).body['id'] as string;

interface Route {
  readonly scope: Scope;
  readonly path: () => string;
  readonly body: () => object;
  readonly type: string;
  readonly data: () => object;
  /** The prefix of an id that the client may choose for it. */
  readonly id?: 'hold' | 'transfer' | 'group';
}

const sides = () => ({ debit_account: own.alice, credit_account: own.bob });
const conversion = () => ({
  ...{ source: own.alice, source_liquidity: own.bob, source_asset: 'USD', source_amount: '100' },
  ...{ destination_liquidity: own.euros, destination: own.ofEuros, destination_asset: 'EUR' },
  rate: { numerator: '92', denominator: '100' },
});
const ROUTES: Readonly<Record<string, Route>> = {
  'a hold': {
    scope: 'holds:write',
    path: () => `${API}/holds`,
    body: () => movement(),
    type: 'payflow.hold.place.v1',
    data: () => movement({ payment: null, expires_at: null }),
    id: 'hold',
  },
  "a hold's posting": {
    scope: 'holds:write',
    path: () => `${API}/holds/${own.hold}/post`,
    body: () => ({ amount: '30', final: false }),
    type: 'payflow.hold.post.v1',
    data: () => ({ hold: own.hold, ...sides(), amount: '30', final: false }),
    id: 'transfer',
  },
  "a hold's voiding": {
    scope: 'holds:write',
    path: () => `${API}/holds/${own.hold}/void`,
    body: () => ({}),
    type: 'payflow.hold.void.v1',
    data: () => ({ id: own.hold, ...sides(), expired: false }),
  },
  'a reversal': {
    scope: 'transfers:write',
    path: () => `${API}/transfers/${own.transfer}/reverse`,
    body: () => ({ amount: '30', metadata: { a: 'b' } }),
    type: 'payflow.transfer.reverse.v1',
    data: () => ({ original: own.transfer, ...sides(), amount: '30', metadata: { a: 'b' } }),
    id: 'transfer',
  },
  'a correction': {
    scope: 'transfers:write',
    path: () => `${API}/transfers/${own.transfer}/correct`,
    body: () => ({ amount: '30' }),
    type: 'payflow.transfer.correct.v1',
    data: () => ({ original: own.transfer, ...sides(), replacement: movement({ amount: '30' }) }),
    id: 'transfer',
  },
  'a conversion': {
    scope: 'transfers:write',
    path: () => `${API}/conversions`,
    body: conversion,
    type: 'payflow.conversion.post.v1',
    data: conversion,
    id: 'group',
  },
};
const ALL = Object.entries(ROUTES);
const ON_SOMETHING = ALL.filter(([, { path }]) => path().includes('/holds/') || path().includes('/transfers/'));

const tryOut = (
  { path, body }: Route,
  more: object = {},
  headers: Record<string, string> = WITHOUT_KEY,
  who = client,
) => who.post(path(), { ...body(), dry_run: true, ...more }, headers);

describe.each(ALL)('a dry run of %s', (_what, route) => {
  it('asks the ledger for what would come of the command, and leaves nothing', async () => {
    const before = await countRows(stage.db);
    const { status, body } = await tryOut(route);
    expect([status, body]).toEqual([200, saying]);
    const at = `${API}/${route.scope.slice(0, route.scope.indexOf(':'))}/dry_run`;
    expect(asked).toMatchObject([{ path: at, question: { type: route.type, data: route.data() } }]);
    expect(JSON.stringify(asked)).not.toContain('"dry_run"');
    expect(await countRows(stage.db)).toEqual(before);
    // Everything is as free as it was.
    const done = await client.post(route.path(), { ...route.body(), dry_run: false });
    expect([200, 201]).toContain(done.status);
    expect(asked).toHaveLength(1);
  });

  it.each([['true'], [1], [null], [{}]])('is asked for by true or false, and not by %j', async (dry_run) => {
    const before = await countRows(stage.db);
    const { status, body } = await tryOut(route, { dry_run }, {});
    expect([status, body['code'], body['errors']]).toMatchObject([400, 'invalid_request', [{ pointer: '/dry_run' }]]);
    expect([asked, await countRows(stage.db)]).toEqual([[], before]);
  });

  it('is refused at the door as it would be when it is meant', async () => {
    const before = await countRows(stage.db);
    expect(told(await tryOut(route, { dryrun: true }))).toBe('400 invalid_request');
    expect(told(await tryOut(route, {}, { prefer: 'wait=11' }))).toBe('400 invalid_header');
    expect(told(await tryOut(route, {}, { 'idempotency-key': 'a b' }))).toBe('400 idempotency_key_malformed');
    expect([asked, await countRows(stage.db)]).toEqual([[], before]);
  });

  it('needs the scope that it needs when it is meant, and tells of accounts to who may read them', async () => {
    saying = { ...saying, accounts: [{ id: own.alice, balance: '-100' }] };
    const others = (['holds:write', 'transfers:write'] as const).filter((scope) => scope !== route.scope);
    const keyWith = (...scopes: Scope[]) => client.withKey(stage.db, scopes);
    const seenBy = async (who: Client) => (await tryOut(route, {}, WITHOUT_KEY, who)).body['accounts'];
    const stranger = await keyWith(...others, 'transfers:read', 'holds:read', 'accounts:read');
    expect(told(await tryOut(route, {}, WITHOUT_KEY, stranger))).toBe('403 forbidden');
    expect(asked).toEqual([]);
    expect(await seenBy(await keyWith(route.scope))).toEqual([]);
    expect(await seenBy(await keyWith(route.scope, 'accounts:read'))).toEqual(saying['accounts']);
  });

  it('is 412 where the ledger finds that it does not stand as it was seen', async () => {
    saying = { ...saying, failure: { code: 'version_differs', leg: null } };
    expect(told(await tryOut(route))).toBe('412 version_differs');
  });

  it('knows nothing of what others have', async () => {
    const stranger = await Client.of(stage.db, stage.gateway.base);
    const isOnSomething = ON_SOMETHING.some(([, one]) => one === route);
    const expected = isOnSomething ? '404 not_found' : '422 account_not_found';
    expect(told(await tryOut(route, {}, WITHOUT_KEY, stranger))).toBe(expected);
    expect(asked).toEqual([]);
  });
});

describe.each(ALL.filter(([, { id }]) => id))('an id of your own, of %s', (_what, route) => {
  it('is told again, is free after it, and in use once it was meant', async () => {
    const id = newId(route.id ?? 'transfer');
    const other = newId(route.id ?? 'transfer');
    const [transfers, hold] = [[{ id }, { id: other }], { id }];
    saying = { ...saying, transfers, ...(route.id === 'hold' ? { hold } : {}) };
    const { body } = await tryOut(route, { id });
    expect(body['transfers']).toEqual([{ id }, { id: null }]);
    if (route.id === 'hold') {
      expect(body['hold']).toEqual({ id });
      expect((await tryOut(route)).body).toMatchObject({ hold: { id: null }, transfers: [{ id: null }, { id: null }] });
    }
    const meant = await client.post(route.path(), { ...route.body(), id });
    expect([200, 201]).toContain(meant.status);
    // One that is meant all the same is the same content.
    const again = await client.post(route.path(), { ...route.body(), id, dry_run: false });
    expect([again.headers.get('idempotency-replayed'), again.text]).toEqual(['true', meant.text]);
    expect(told(await tryOut(route, { id }))).toBe('422 id_reused');
  });
});

describe('a dry run', () => {
  const route = (name: string) => ROUTES[name] as Route;

  it('of what is done about a hold names the hold', async () => {
    saying = { ...saying, hold: { id: own.hold }, transfers: [{ id: newId('transfer') }] };
    for (const name of ["a hold's posting", "a hold's voiding"])
      expect((await tryOut(route(name))).body).toMatchObject({ hold: { id: own.hold }, transfers: [{ id: null }] });
    saying = { ...saying, hold: null, failure: { code: 'hold_exceeded', leg: null } };
    expect((await tryOut(route("a hold's posting"))).body).toEqual({ ...saying, transfers: [{ id: null }] });
  });

  it('with If-Match asks for the version of a hold, and is 412 for another one of a transfer', async () => {
    const seen = { ...WITHOUT_KEY, 'if-match': 'W/"1"' };
    for (const name of ["a hold's posting", "a hold's voiding"]) {
      asked = [];
      expect((await tryOut(route(name), {}, seen)).status).toBe(200);
      expect(asked).toMatchObject([{ question: { data: { if_version: 1 } } }]);
    }
    for (const name of ['a reversal', 'a correction']) {
      asked = [];
      expect((await tryOut(route(name), {}, seen)).status).toBe(200);
      expect(asked).toMatchObject([{ question: { data: { if_standing: { version: 1, reversed: '0' } } } }]);
      expect(told(await tryOut(route(name), {}, { ...seen, 'if-match': 'W/"7"' }))).toBe('412 version_differs');
      expect(asked).toHaveLength(1);
    }
    for (const [, one] of ON_SOMETHING)
      expect(told(await tryOut(one, {}, { ...seen, 'if-match': '"x"' }))).toBe('400 invalid_header');
  });

  it('tells which leg of a conversion would be at fault, and of all others none', async () => {
    const failure = { code: 'insufficient_funds', leg: 1 };
    saying = { ...saying, failure };
    for (const [name, one] of ALL)
      expect((await tryOut(one)).body['failure']).toEqual({ ...failure, leg: name === 'a conversion' ? 1 : null });
  });

  it('is refused for a hold that is over, and of what is a payment’s', async () => {
    const late = await tryOut(route('a hold'), { expires_at: '2020-01-01T00:00:00Z' });
    expect(told(late)).toBe('422 expires_at_past');
    expect(told(await tryOut(route('a conversion'), { source_amount: '0' }))).toBe('422 amount_not_positive');
    expect(told(await tryOut(route('a correction'), { effective_at: '2999-01-01T00:00:00Z' }))).toBe(
      '422 effective_in_future',
    );
    const payment = { source: own.alice, destination: own.bob, amount: '5', asset: 'USD' };
    const id = await made(`${API}/payments`, payment);
    own.transfer = id.replace('pay_', 'tr_');
    expect(told(await tryOut(route('a reversal')))).toBe('409 transfer_of_payment');
    expect(asked).toEqual([]);
  });
});
