import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listBlocks, placeBlocks, wishLift } from '../database/access-block.repository.js';
import { blockedKey } from '../testing/blocked.js';
import { Client } from '../testing/gateway-under-test.js';
import { userOf } from '../testing/people.js';
import { told } from '../testing/stage.js';
import { anAddress, from, openWatched, round, type Watched } from '../testing/watched.js';

const THRESHOLD = 5;
const LIMITS = { SUSPICIOUS_IDS_PER_MINUTE: `${THRESHOLD}`, SUSPICIOUS_CREDENTIALS_PER_MINUTE: `${THRESHOLD}` };
const BLOCKS = '/api/v1/blocks';
const ASSET = '/api/v1/assets/USD';

type Gateway = Awaited<ReturnType<Watched['start']>>;
type Block = Record<string, unknown> & { readonly id: string };

let watched: Watched;
let gateway: Gateway;
let client: Client;
beforeAll(async () => {
  watched = await openWatched();
  gateway = await watched.start(LIMITS);
  client = await Client.of(watched.db, gateway.base);
});
afterAll(() => watched?.close());

const idOf = async (of: Client): Promise<string> => (await of.get('/api/v1/auth/me')).body['id'] as string;
const guess = async (by: Client): Promise<void> => {
  for (let at = 0; at < THRESHOLD; at++) await by.get(`/api/v1/payments/${newId('payment')}`, from(anAddress()));
};
const isBlocked = (by: Client) =>
  until('it is blocked', async () => {
    await round(gateway);
    return told(await by.get(ASSET, from(anAddress()))) === '403 credential_blocked';
  });
const isLetIn = (by: Client) =>
  until('it is let in', async () => {
    await round(gateway);
    return (await by.get(ASSET, from(anAddress()))).status === 200;
  });
const shownTo = (who: Client, query = ''): Promise<Block[]> =>
  until('blocks are listed', async () => {
    const { status, body } = await who.get(`${BLOCKS}${query}`);
    return status === 200 ? (body['data'] as Block[]) : undefined;
  });
const lift = (who: Client, id: string, headers: Record<string, string> = {}) => who.delete(`${BLOCKS}/${id}`, headers);
const owner = () => ({ tenant: client.tenant, livemode: false });

describe('a block on a key', () => {
  it('is shown to its organisation in the mode of the key, and lifted by it', async () => {
    const curious = await client.withKey(watched.db, ['payments:read']);
    await guess(curious);
    await isBlocked(curious);
    const [block] = await shownTo(client);
    expect(block).toMatchObject({
      ...{ object: 'block', status: 'active', suspicion: 'id_enumeration', count: THRESHOLD, level: 1 },
      ...{ subject: expect.stringMatching(/^key_/), lifted_at: null, lifted_by: null, lift_reason: null },
    });
    const id = block?.id ?? '';
    const live = await client.withKey(watched.db, ['blocks:read', 'blocks:write'], true);
    expect(await shownTo(live)).toEqual([]);
    expect(told(await lift(live, id))).toBe('404 not_found');
    const other = await Client.of(watched.db, gateway.base);
    expect(await shownTo(other)).toEqual([]);
    expect(told(await lift(other, id))).toBe('404 not_found');

    const key = { 'idempotency-key': newId('event') };
    const lifted = await lift(client, id, key);
    expect(lifted).toMatchObject({
      status: 200,
      body: { id, status: 'lifted', lifted_by: await idOf(client), lift_reason: expect.stringMatching(/^request /) },
    });
    await isLetIn(curious);
    expect((await lift(client, id, key)).text).toBe(lifted.text);
    expect((await lift(client, id)).body).toEqual(lifted.body);
    expect((await watched.told()).filter(({ data }) => data['id'] === id)).toMatchObject([
      { type: 'payflow.block.placed.v1' },
      { type: 'payflow.block.lifted.v1', data: { lifted_by: await idOf(client) } },
    ]);
    const audit = await client.get(`/api/v1/audit_log?operation=liftBlock&resource=${id}`);
    expect(audit.body['data']).toMatchObject([
      { before: { status: 'lifted' }, after: { status: 'lifted' } },
      { before: { status: 'active', lifted_by: null }, after: { status: 'lifted' } },
    ]);
  });

  it('that an organisation lifts counts on: the next one is longer; one that an operator lifts does not', async () => {
    const subject = newId('apiKey');
    const again = async () => {
      const id = await blockedKey(watched.db, owner(), subject);
      return { id, level: (await shownTo(client, `?subject=${subject}`))[0]?.['level'] };
    };
    const first = await again();
    expect((await lift(client, first.id)).status).toBe(200);
    const second = await again();
    expect(second.level).toBe(2);
    expect(await wishLift(watched.db, second.id, 'alice', 'our own scanner')).toBe(true);
    await until('it is lifted', async () => {
      await round(gateway);
      return (await shownTo(client, `?subject=${subject}&status=lifted`)).length === 2;
    });
    expect((await again()).level).toBe(2);
  });
});

it('a block on a user is shown in both modes, and never lets him lift it himself', async () => {
  const admin = await userOf(watched.db, client, 'admin');
  await guess(admin.client);
  await isBlocked(admin.client);
  const [block] = await shownTo(client, `?subject=${admin.id}`);
  const live = await client.withKey(watched.db, ['blocks:read'], true);
  expect(await shownTo(live, `?subject=${admin.id}`)).toEqual([block]);
  expect(told(await lift(admin.client, block?.id ?? '', from(anAddress())))).toBe('403 credential_blocked');
  const auditor = await userOf(watched.db, client, 'auditor');
  expect(await shownTo(auditor.client, `?subject=${admin.id}`)).toEqual([block]);
  expect(told(await lift(auditor.client, block?.id ?? ''))).toBe('403 forbidden');
  expect((await lift(client, block?.id ?? '')).status).toBe(200);
  await isLetIn(admin.client);
  // He is let in to live mode again as well: whoever reads its log alone hears of it.
  const reader = await client.withKey(watched.db, ['audit:read'], true);
  for (const [who, livemode] of [[reader, true] as const, [client, false] as const]) {
    const { body } = await who.get(`/api/v1/audit_log?operation=liftBlock&resource=${block?.id ?? ''}`);
    expect(body['data']).toMatchObject([{ livemode, before: { status: 'active' }, after: { status: 'lifted' } }]);
  }
});

it('a block on an address is no organisation’s: neither shown nor lifted over the API', async () => {
  const address = anAddress();
  const wish = { kind: 'address', subject: address, suspicion: 'not_found_burst', count: 5, of: undefined } as const;
  await watched.db.transaction((tx) => placeBlocks(tx, [wish], [60_000]));
  const [block] = (await listBlocks(watched.db, false, 100)).filter(({ subject }) => subject === address);
  expect((await shownTo(client)).filter(({ subject }) => subject === address)).toEqual([]);
  expect(told(await lift(client, block?.id ?? ''))).toBe('404 not_found');
  expect((await listBlocks(watched.db, false, 100)).some(({ subject }) => subject === address)).toBe(true);
});

it('are listed by cursor and by filters', async () => {
  const own = await Client.of(watched.db, gateway.base);
  const ids: string[] = [];
  for (let at = 0; at < 3; at++) {
    ids.unshift(await blockedKey(watched.db, { tenant: own.tenant, livemode: false }, newId('apiKey')));
    // The filters below tell them apart by their milliseconds.
    const placed = Date.now();
    await until('the clock has moved', () => Date.now() > placed);
  }
  await lift(own, ids[1] ?? '');
  const first = await own.get(`${BLOCKS}?limit=2`);
  const rest = await own.get(`${BLOCKS}?limit=2&cursor=${first.body['next_cursor'] as string}`);
  const listed = [first, rest].flatMap(({ body }) => (body['data'] as Block[]).map(({ id }) => id));
  expect([listed, rest.body['next_cursor']]).toEqual([ids, null]);
  const idsBy = async (query: string) => (await shownTo(own, query)).map(({ id }) => id);
  expect(await idsBy('?status=active')).toEqual([ids[0], ids[2]]);
  expect(await idsBy('?status=lifted&suspicion=id_enumeration')).toEqual([ids[1]]);
  expect(await idsBy('?suspicion=not_found_burst')).toEqual([]);
  const at = (await shownTo(own))[1]?.['created_at'] as string;
  expect(await idsBy(`?created[gt]=${at}`)).toEqual([ids[0]]);
  expect(await idsBy(`?created[lte]=${at}&created[gte]=${at}`)).toEqual([ids[1]]);
  expect(await idsBy(`?created[lt]=${at}`)).toEqual([ids[2]]);
  for (const wrong of ['status=gone', 'subject=pay_1', 'suspicion=x', 'kind=address', 'created[gt]=soon'])
    expect([wrong, told(await own.get(`${BLOCKS}?${wrong}`))]).toEqual([wrong, '400 invalid_parameter']);
  const csv = await own.get(`${BLOCKS}?status=lifted`, { accept: 'text/csv' });
  expect(csv.text.split('\n')[1]).toContain(ids[1] as string);
});

it.each([
  ['of what is no id', 'blk_1', '400 invalid_id'],
  ['of what there is not', newId('block'), '404 not_found'],
])('refuses a lifting %s', async (_, id, answer) => {
  expect(told(await lift(client, id))).toBe(answer);
});
