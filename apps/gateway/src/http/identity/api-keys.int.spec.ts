import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyUses } from '../../cache/key-uses.js';
import { Client } from '../../testing/gateway-under-test.js';
import { userOf } from '../../testing/people.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const KEYS = '/api/v1/keys';
const ME = '/api/v1/auth/me';

let stage: Stage;
let client: Client;
let admin: Client;

beforeAll(async () => {
  stage = await openStage();
  ({ client } = stage);
  admin = (await userOf(stage.db, client, 'admin')).client;
});
afterAll(() => stage?.close());

const by = (secret: unknown): Client => Client.with(client.tenant, secret as string, client.base);
const make = (more: object = {}) => admin.post(KEYS, { name: 'spec', scopes: ['payments:read'], ...more });

describe('a key', () => {
  it('is made with scopes, lets in with these and no others, and its secret is seen once', async () => {
    const key = { 'idempotency-key': 'first' };
    const body = { name: 'reports', scopes: ['payments:read', 'accounts:read'] };
    const made = await admin.post(KEYS, body, key);
    const id = made.body['id'] as string;
    expect([made.status, made.headers.get('location'), made.headers.get('etag')]).toEqual([
      201,
      `${KEYS}/${id}`,
      'W/"1"',
    ]);
    expect(made.body).toMatchObject({
      ...{ object: 'api_key', ...body, livemode: false, allowed_addresses: [], status: 'active', expires_at: null },
      ...{ revoked_at: null, replaces: null, created_by: expect.stringMatching(/^usr_/) as string, version: 1 },
      secret: expect.stringMatching(/^sk_test_[\w-]{43}$/) as string,
    });
    const again = await admin.post(KEYS, body, key);
    expect([again.headers.get('idempotency-replayed'), again.body]).toEqual(['true', { ...made.body, secret: null }]);
    expect((await admin.get(`${KEYS}/${id}`)).text).not.toContain('secret');
    const user = by(made.body['secret']);
    expect((await user.get(ME)).body).toMatchObject({ id, kind: 'key', user: null, api_key: { id, name: 'reports' } });
    expect(told(await user.get(`/api/v1/payments/${newId('payment')}`))).toBe('404 not_found');
    expect(told(await user.get(`/api/v1/transfers/${newId('transfer')}`))).toBe('403 forbidden');
    expect(told(await user.post('/api/v1/accounts', { asset: 'USD' }))).toBe('403 forbidden');
  });

  it('has no scope that its maker has not', async () => {
    const maker = await client.withKey(stage.db, ['keys:write', 'payments:read']);
    const ask = (scopes: readonly string[]) => maker.post(KEYS, { name: 'more', scopes });
    expect(told(await ask(['payments:read', 'payments:write']))).toBe('403 scopes_exceeded');
    expect(told(await ask(['payments:read']))).toBe('201');
    expect(told(await make({ scopes: ['users:admin'] }))).toBe('403 scopes_exceeded');
  });

  it('is revoked at once and for good, whether or not it was just in use', async () => {
    const made = await make();
    const user = by(made.body['secret']);
    expect((await user.get(ME)).status).toBe(200);
    const path = `${KEYS}/${made.body['id'] as string}`;
    const revoked = await admin.delete(path);
    expect([revoked.status, revoked.body['status']]).toEqual([200, 'revoked']);
    expect(told(await user.get(ME))).toBe('401 unauthenticated');
    expect((await admin.delete(path)).body).toMatchObject({ revoked_at: revoked.body['revoked_at'] });
  });

  it('is rotated: both let in for a while, then only the new one', async () => {
    const made = await make({ allowed_addresses: ['127.0.0.0/8'] });
    const path = `${KEYS}/${made.body['id'] as string}`;
    const old = by(made.body['secret']);
    expect((await old.get(ME)).status).toBe(200);
    const rotated = await admin.post(`${path}/rotate`, { overlap_seconds: 600 });
    expect(rotated.body).toMatchObject({
      ...{ name: 'spec', scopes: ['payments:read'], allowed_addresses: ['127.0.0.0/8'], expires_at: null },
      replaces: made.body['id'],
    });
    expect([(await old.get(ME)).status, (await by(rotated.body['secret']).get(ME)).status]).toEqual([200, 200]);
    const left = Date.parse((await admin.get(path)).body['expires_at'] as string) - Date.now();
    expect([left > 0, left <= 600_000]).toEqual([true, true]);
    expect((await admin.post(`${path}/rotate`, { overlap_seconds: 0 })).status).toBe(201);
    expect(told(await old.get(ME))).toBe('401 unauthenticated');
    expect((await by(rotated.body['secret']).get(ME)).status).toBe(200);
    expect((await admin.get(path)).body['status']).toBe('expired');
    expect(told(await admin.post(`${path}/rotate`, {}))).toBe('409 api_key_not_active');
  });

  it('is rotated once more by who lost the answer: the end that rotation gave the old one is not handed on', async () => {
    const path = `${KEYS}/${(await make()).body['id'] as string}`;
    const lost = await admin.post(`${path}/rotate`, { overlap_seconds: 600 });
    expect((await admin.get(path)).body['expires_at']).not.toBeNull();
    expect((await admin.post(`${path}/rotate`, {})).body['expires_at']).toBeNull();
    await admin.post(`${KEYS}/${lost.body['id'] as string}/rotate`, { overlap_seconds: 60 });
    expect((await admin.post(`${path}/rotate`, {})).body['expires_at']).toBeNull();

    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    const bounded = `${KEYS}/${(await make({ expires_at })).body['id'] as string}`;
    await admin.post(`${bounded}/rotate`, { overlap_seconds: 600 });
    expect((await admin.post(`${bounded}/rotate`, {})).body['expires_at']).toBe(expires_at);
  });

  it('is rotated only by who has its scopes: the answer holds a key', async () => {
    const made = await make({ scopes: ['payments:read', 'payments:write'] });
    const less = await client.withKey(stage.db, ['keys:write', 'payments:read']);
    expect(told(await less.post(`${KEYS}/${made.body['id'] as string}/rotate`, {}))).toBe('403 scopes_exceeded');
  });

  it('is let in from elsewhere only by who has its scopes, and revoked by whoever may change keys', async () => {
    const made = await make({ scopes: ['payments:read', 'payments:write'], allowed_addresses: ['192.0.2.1'] });
    const path = `${KEYS}/${made.body['id'] as string}`;
    const less = await client.withKey(stage.db, ['keys:write', 'payments:read']);
    const change = (body: object) => less.patch(path, body, { 'if-match': '*' });
    expect(told(await change({ allowed_addresses: [] }))).toBe('403 scopes_exceeded');
    expect((await change({ name: 'other' })).body).toMatchObject({ name: 'other', allowed_addresses: ['192.0.2.1'] });
    expect((await less.send('DELETE', path, undefined, { 'idempotency-key': newId('event') })).body).toMatchObject({
      status: 'revoked',
    });
  });

  it('without a body is rotated with a day of overlap', async () => {
    const made = await make();
    const path = `${KEYS}/${made.body['id'] as string}`;
    const rotated = await admin.send('POST', `${path}/rotate`, undefined, { 'idempotency-key': 'bodyless' });
    expect(rotated.status).toBe(201);
    const left = Date.parse((await admin.get(path)).body['expires_at'] as string) - Date.now();
    expect(Math.round(left / 3_600_000)).toBe(24);
  });

  it('is used from the addresses on its list alone, as the list now is', async () => {
    const made = await make({ allowed_addresses: ['203.0.113.0/24', '2001:db8::/32'] });
    const path = `${KEYS}/${made.body['id'] as string}`;
    const user = by(made.body['secret']);
    expect(told(await user.get(ME))).toBe('403 address_not_allowed');
    expect(told(await user.post('/api/v1/accounts', { asset: 'USD' }))).toBe('403 address_not_allowed');
    const changed = await admin.patch(path, { allowed_addresses: ['127.0.0.1'] }, { 'if-match': 'W/"1"' });
    expect([changed.status, changed.body['version']]).toEqual([200, 2]);
    expect((await user.get(ME)).status).toBe(200);
    expect(told(await admin.patch(path, { name: 'other' }, { 'if-match': 'W/"1"' }))).toBe('412 version_differs');
    expect((await admin.patch(path, { name: 'other', allowed_addresses: [] })).body).toMatchObject({
      ...{ name: 'other', allowed_addresses: [] },
    });
  });

  it('ends when it was to end', async () => {
    const made = await make({ expires_at: new Date(Date.now() + 1_500).toISOString() });
    const user = by(made.body['secret']);
    expect((await user.get(ME)).status).toBe(200);
    await expect.poll(async () => told(await user.get(ME)), { timeout: 10_000 }).toBe('401 unauthenticated');
  });

  it('says when it was last used, and how often', async () => {
    const made = await make();
    const user = by(made.body['secret']);
    await user.get(ME);
    await user.get(ME);
    // As the drain does, and every ten seconds.
    await stage.gateway.app.get(KeyUses).close();
    const { body } = await admin.get(`${KEYS}/${made.body['id'] as string}`);
    expect(body).toMatchObject({ request_count: 2, last_used_at: expect.any(String) as string });
  });

  it('is shown anew to who has its version: its uses and its end change without one', async () => {
    const made = await make();
    const path = `${KEYS}/${made.body['id'] as string}`;
    const before = await admin.get(path);
    await by(made.body['secret']).get(ME);
    await stage.gateway.app.get(KeyUses).close();
    const etag = before.headers.get('etag') as string;
    const again = await admin.get(path, { 'if-none-match': etag });
    expect([again.status, again.headers.get('etag')]).toEqual([200, etag]);
    expect([before.body['request_count'], again.body['request_count']]).toEqual([0, 1]);
  });

  it('of the other mode, or of another organisation, is not there', async () => {
    const made = await make();
    const path = `${KEYS}/${made.body['id'] as string}`;
    const live = (await userOf(stage.db, client, 'owner', true)).client;
    const foreign = (await userOf(stage.db, await Client.of(stage.db, client.base), 'owner')).client;
    for (const other of [live, foreign]) {
      expect(told(await other.get(path))).toBe('404 not_found');
      expect(told(await other.patch(path, { name: 'mine' }))).toBe('404 not_found');
      expect(told(await other.post(`${path}/rotate`, {}))).toBe('404 not_found');
      expect(told(await other.delete(path))).toBe('404 not_found');
    }
    expect((await live.get(KEYS)).body['data']).toEqual([]);
    const secret = (await live.post(KEYS, { name: 'live', scopes: ['payments:read'] })).body['secret'];
    expect(secret).toMatch(/^sk_live_/);
    expect((await by(secret).get(ME)).body['livemode']).toBe(true);
  });

  it('is listed by what has become of it', async () => {
    const made = await make();
    await admin.delete(`${KEYS}/${made.body['id'] as string}`);
    const ids = async (status: string): Promise<unknown[]> =>
      ((await admin.get(`${KEYS}?status=${status}&limit=200`)).body['data'] as { id: string }[]).map(({ id }) => id);
    expect((await ids('revoked'))[0]).toBe(made.body['id']);
    expect(await ids('active')).not.toContain(made.body['id']);
    expect(told(await admin.get(`${KEYS}?status=lost`))).toBe('400 invalid_parameter');
  });

  it.each([
    ['no name', { name: undefined }],
    ['no scopes', { scopes: [] }],
    ['a scope that there is not', { scopes: ['payments:*'] }],
    ['a scope twice', { scopes: ['payments:read', 'payments:read'] }],
    ['a list that is none', { allowed_addresses: '10.0.0.0/8' }],
    ['a block that is none', { allowed_addresses: ['10.0.0.0/33'] }],
    ['an end in the past', { expires_at: '2020-01-01T00:00:00Z' }],
    ['an end that is no instant', { expires_at: '2026-02-30T00:00:00Z' }],
  ])('is not made with %s', async (_what, more) => {
    const count = async (): Promise<unknown> =>
      (await stage.db.rows(statement('spec.api-keys', 'select count(*) as keys from api_keys')))[0];
    const before = await count();
    expect(told(await make(more))).toBe('400 invalid_request');
    expect(await count()).toEqual(before);
  });

  it('is asked for by a well-formed id', async () => {
    for (const answer of [
      await admin.get(`${KEYS}/key_1`),
      await admin.delete(`${KEYS}/key_1`),
      await admin.patch(`${KEYS}/key_1`, { name: 'x' }),
    ])
      expect(told(answer)).toBe('400 invalid_id');
    expect(told(await admin.get(`${KEYS}/${newId('apiKey')}`))).toBe('404 not_found');
  });
});

describe('a key with bounds of its own', () => {
  const SOON = new Date(Date.now() + 3_600_000).toISOString();
  const LATER = new Date(Date.now() + 7_200_000).toISOString();
  const SCOPES = ['keys:write', 'payments:read'];
  /** A key that may make keys, and is bound. */
  const boundBy = async (bounds: object): Promise<Client> =>
    by((await make({ scopes: SCOPES, ...bounds })).body['secret']);
  const made = async (maker: Client, more: object): Promise<string> =>
    told(await maker.post(KEYS, { name: 'more', scopes: ['payments:read'], ...more }));

  it('makes none that is let in from elsewhere', async () => {
    const maker = await boundBy({ allowed_addresses: ['127.0.0.0/8', '2001:db8::/32'] });
    for (const allowed_addresses of [
      undefined,
      [],
      ['10.0.0.1'],
      ['127.0.0.0/7'],
      ['0.0.0.0/0'],
      ['127.0.0.1', '::/0'],
    ])
      expect(await made(maker, { allowed_addresses })).toBe('403 scopes_exceeded');
    for (const allowed_addresses of [['127.0.0.0/8'], ['127.0.0.1', '2001:db8:1::/48']])
      expect(await made(maker, { allowed_addresses })).toBe('201');
  });

  it('makes none that goes on after it', async () => {
    const maker = await boundBy({ expires_at: SOON });
    for (const expires_at of [undefined, LATER]) expect(await made(maker, { expires_at })).toBe('403 scopes_exceeded');
    expect(await made(maker, { expires_at: SOON })).toBe('201');
    const { body } = await maker.post(KEYS, { name: 'more', scopes: ['payments:read'] });
    expect(body['detail']).toContain(SOON);
  });

  it('rotates and opens none that is bound less', async () => {
    const path = `${KEYS}/${(await make()).body['id'] as string}`;
    for (const bounds of [{ allowed_addresses: ['127.0.0.1'] }, { expires_at: SOON }]) {
      const maker = await boundBy(bounds);
      expect(told(await maker.post(`${path}/rotate`, {}))).toBe('403 scopes_exceeded');
      const change = { allowed_addresses: ['10.0.0.1'] };
      expect(told(await maker.patch(path, change, { 'if-match': '*' }))).toBe('403 scopes_exceeded');
      expect((await maker.patch(path, { name: 'other' }, { 'if-match': '*' })).status).toBe(200);
    }
    expect((await admin.get(path)).body).toMatchObject({ allowed_addresses: [], expires_at: null, status: 'active' });
  });

  it('rotates itself, and once more where it lost the answer', async () => {
    for (const bounds of [{ allowed_addresses: ['127.0.0.1'], expires_at: SOON }, {}]) {
      const own = await make({ scopes: SCOPES, ...bounds });
      const path = `${KEYS}/${own.body['id'] as string}/rotate`;
      for (const overlap_seconds of [600, 60]) {
        const { status, body } = await by(own.body['secret']).post(path, { overlap_seconds });
        expect([status, body]).toMatchObject([201, bounds]);
      }
    }
  });
});

describe('the version of a key', () => {
  const VERSION = '2026-11-20';
  const pinned = statement('spec.pinned', `update api_keys set api_version = $2 where id = $1`);
  const keptUnder = statement(
    'spec.kept-under',
    'select api_version from idempotency_records where idempotency_key = $1',
  );

  it('is the newest unless it says another, is shown, kept by rotation and changed', async () => {
    const made = await make();
    expect(made.body['api_version']).toBe(VERSION);
    expect((await make({ api_version: VERSION })).body['api_version']).toBe(VERSION);
    const path = `${KEYS}/${made.body['id'] as string}`;
    // As one that was made before a later version began would be.
    await stage.db.count(pinned, [uuidOf('apiKey', made.body['id'] as string), '2026-01-01']);
    expect((await admin.get(path)).body['api_version']).toBe('2026-01-01');
    expect((await admin.post(`${path}/rotate`, {})).body['api_version']).toBe('2026-01-01');
    const changed = await admin.patch(path, { api_version: VERSION }, { 'if-match': '*' });
    expect([changed.status, changed.body['api_version'], changed.body['name']]).toEqual([200, VERSION, 'spec']);
  });

  it('is one that there is: no other day, and no other text', async () => {
    const path = `${KEYS}/${(await make()).body['id'] as string}`;
    for (const api_version of ['2026-11-21', '2099-01-01', 'v1', '', null, 20261120]) {
      expect(told(await make({ api_version }))).toBe('400 invalid_request');
      expect(told(await admin.patch(path, { api_version }, { 'if-match': '*' }))).toBe('400 invalid_request');
    }
  });

  it('answers it, on either path, unless the request asks for one; and its writes are kept under that', async () => {
    const key = by((await make({ scopes: ['accounts:write', 'keys:read'] })).body['secret']);
    for (const path of ['/api/assets/USD', '/api/v1/assets/USD', '/api/v1/nothing'])
      expect((await key.get(path)).headers.get('payflow-version')).toBe(VERSION);
    const asked = { 'payflow-version': VERSION, 'idempotency-key': newId('event') };
    const opened = await key.post('/api/accounts', { asset: 'USD' }, asked);
    expect([opened.status < 300, opened.headers.get('payflow-version')]).toEqual([true, VERSION]);
    expect(await stage.db.rows(keptUnder, [asked['idempotency-key']])).toEqual([{ api_version: VERSION }]);
    for (const version of ['2026-11-21', '2099-01-01', 'v1', '20261120', `${VERSION}, ${VERSION}`]) {
      const refused = await key.get('/api/assets/USD', { 'payflow-version': version });
      expect([told(refused), refused.body['detail']]).toEqual([
        '400 invalid_header',
        `PayFlow-Version must be one of ${VERSION}, or absent.`,
      ]);
    }
  });
});
