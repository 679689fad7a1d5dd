import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const ACCOUNTS = '/api/v1/accounts';
let stage: Stage;
let ids: Record<'wallet' | 'savings' | 'near' | 'cash' | 'euros', string>;

beforeAll(async () => {
  stage = await openStage();
  const { client } = stage;
  ids = {
    wallet: await client.open('USD', { path: 'users:alice', metadata: { tier: 'gold' } }),
    savings: await client.open('USD', { path: 'users:alice:savings' }),
    near: await client.open('USD', { path: 'users:alice2', metadata: { tier: 'gold', team: 'a' } }),
    cash: await client.open('USD', { kind: 'asset', overdraft: 'unbounded' }),
    euros: await client.open('EUR'),
  };
});
afterAll(() => stage?.close());

const listed = async (query: string): Promise<string[]> => {
  const { status, body } = await stage.client.get(`${ACCOUNTS}${query}`);
  expect(status).toBe(200);
  return (body['data'] as { id: string }[]).map(({ id }) => id);
};

it('lists all accounts, newest first, over pages', async () => {
  const all = Object.values(ids).reverse();
  expect(await listed('')).toEqual(all);
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const { body } = await stage.client.get(`${ACCOUNTS}?limit=2${cursor && `&cursor=${cursor}`}`);
    seen.push(...(body['data'] as { id: string }[]).map(({ id }) => id));
    cursor = body['next_cursor'] as string | null;
  }
  expect(seen).toEqual(all);
});

it.each([
  ['path=users:alice', () => [ids.savings, ids.wallet]],
  ['path=users:alice:savings', () => [ids.savings]],
  ['path=users', () => [ids.near, ids.savings, ids.wallet]],
  ['path=nobody', () => []],
  ['kind=asset', () => [ids.cash]],
  ['asset=EUR', () => [ids.euros]],
  ['status=open&kind=liability&asset=USD', () => [ids.near, ids.savings, ids.wallet]],
  ['status=closed', () => []],
  ['metadata[tier]=gold', () => [ids.near, ids.wallet]],
  ['metadata[tier]=gold&metadata[team]=a', () => [ids.near]],
  ['metadata[tier]=gold&path=users:alice', () => [ids.wallet]],
  ['created[gt]=2999-01-01T00:00:00Z', () => []],
])('finds by %s', async (query, expected) => {
  expect(await listed(`?${query}`)).toEqual(expected());
});

it.each([
  'path=',
  'path=%C3%A9',
  'kind=nonsense',
  'status=nonsense',
  'asset=usd',
  'created[gte]=yesterday',
  'state=open',
])('refuses %s', async (query) => {
  expect(told(await stage.client.get(`${ACCOUNTS}?${query}`))).toBe('400 invalid_parameter');
});

it("shows nothing of another tenant's, and needs the scope", async () => {
  const stranger = await Client.of(stage.db, stage.gateway.base);
  expect((await stranger.get(`${ACCOUNTS}?path=users:alice`)).body).toEqual({ data: [], next_cursor: null });
  const blind = await stage.client.withKey(stage.db, ['payments:read']);
  expect(told(await blind.get(ACCOUNTS))).toBe('403 forbidden');
});
