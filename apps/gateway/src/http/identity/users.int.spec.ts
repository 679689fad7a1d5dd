import { setImmediate } from 'node:timers/promises';
import { newId, uuidOf } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { Client as Postgres } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLE_SCOPES } from '../../domain/role.js';
import { SCOPES } from '../../domain/scope.js';
import { Passwords } from '../../identity/passwords.js';
import { Client, countRows, type Answered } from '../../testing/gateway-under-test.js';
import { addUser, logIn, PASSWORD, postOpen, userOf } from '../../testing/people.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const USERS = '/api/v1/users';
const ME = '/api/v1/auth/me';

let stage: Stage;
let client: Client;
let base: string;
let owner: Client;
let ownerId: string;

beforeAll(async () => {
  stage = await openStage();
  ({ client } = stage);
  ({ base } = client);
  ({ client: owner, id: ownerId } = await userOf(stage.db, client, 'owner'));
});
afterAll(() => stage?.close());

/** Who waits for another's locks. */
const WAITING = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

/** How many passwords were hashed. */
const hashesMade = async (): Promise<string | undefined> =>
  /^payflow_password_hash_duration_seconds_count (\d+)/m.exec(await (await fetch(`${base}/metrics`)).text())?.[1];

const address = (): string => `${newId('user')}@example.com`;
const accept = (token: unknown, password = PASSWORD) =>
  postOpen(base, '/api/v1/auth/invitation', { invitation_token: token, password });

describe('a user', () => {
  it('is made with a first password, and logs in with it', async () => {
    const email = address();
    const made = await owner.post(USERS, {
      email: email.toUpperCase(),
      role: 'operator',
      name: 'Op',
      password: PASSWORD,
    });
    const id = made.body['id'] as string;
    expect([made.status, made.headers.get('location'), made.headers.get('etag'), made.body]).toEqual([
      201,
      `${USERS}/${id}`,
      'W/"1"',
      {
        ...{ id, object: 'user', email, name: 'Op', role: 'operator', status: 'active', version: 1 },
        ...{ invitation_expires_at: null, invitation_token: null, disabled_at: null },
        created_at: expect.any(String) as string,
      },
    ]);
    expect((await logIn(base, email)).status).toBe(200);
    const one = await owner.get(`${USERS}/${id}`);
    expect([one.headers.get('etag'), one.body['invitation_token']]).toEqual(['W/"1"', undefined]);
    expect((await owner.get(`${USERS}/${id}`, { 'if-none-match': 'W/"1"' })).status).toBe(304);
  });

  it('without one is invited: the token is seen once, taken once, and left out of a replay', async () => {
    const body = { email: address(), role: 'viewer' };
    const key = { 'idempotency-key': 'invite' };
    const made = await owner.post(USERS, body, key);
    expect(made.body).toMatchObject({ status: 'invited', invitation_token: expect.stringMatching(/^inv_/) as string });
    const again = await owner.post(USERS, body, key);
    expect([again.status, again.headers.get('idempotency-replayed'), again.body]).toEqual([
      201,
      'true',
      { ...made.body, invitation_token: null },
    ]);
    expect(told(await accept(made.body['invitation_token'], 'short'))).toBe('400 invalid_request');
    const taken = await accept(made.body['invitation_token']);
    expect([taken.status, taken.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(told(await accept(made.body['invitation_token']))).toBe('401 invitation_invalid');
    expect((await logIn(base, body.email)).status).toBe(200);
  });

  it('who forgot the password is invited anew: the sessions end when that is taken', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    const invited = await owner.send('POST', `${USERS}/${user.id}/invitation`, undefined, {
      'idempotency-key': 'anew',
    });
    expect([invited.status, (await user.client.get(ME)).status]).toEqual([201, 200]);
    const taken = await accept(invited.body['invitation_token'], 'a new horse battery');
    expect(told(await user.client.get(ME))).toBe('401 unauthenticated');
    expect((await Client.with(client.tenant, taken.body['access_token'] as string, base).get(ME)).status).toBe(200);
  });

  it('is one per address in an organisation', async () => {
    const body = { email: address(), role: 'viewer' };
    expect((await owner.post(USERS, body)).status).toBe(201);
    expect(told(await owner.post(USERS, { ...body, email: body.email.toUpperCase() }))).toBe('409 user_exists');
    const hashes = await hashesMade();
    expect(told(await owner.post(USERS, { ...body, password: PASSWORD }))).toBe('409 user_exists');
    expect(await hashesMade()).toBe(hashes);
  });

  it('waits for the turns of his organisation, and nobody else does: one that takes all of its own has no more', async () => {
    const passwords = stage.gateway.app.get(Passwords, { strict: false });
    const other = await userOf(stage.db, await Client.of(stage.db, base), 'owner');
    let isOver = false;
    // One at it and ten who wait, each of whom asks again: as many as are one's, all the time.
    const takeTurns = async (): Promise<void> => {
      while (!isOver) await passwords.hash('a password of many', client.tenant).catch(() => setImmediate());
    };
    const many = Promise.all(Array.from({ length: 11 }, takeTurns));
    const make = (by: Client) => by.post(USERS, { email: address(), role: 'viewer', password: PASSWORD });
    const answers = [told(await make(owner)), told(await make(other.client)), told(await logIn(base, other.email))];
    isOver = true;
    await many;
    expect(answers).toEqual(['503 unavailable', '201', '200']);
  });

  it('is given another role, which counts at once', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    expect(told(await user.client.post('/api/v1/accounts', { asset: 'USD' }))).toBe('403 forbidden');
    const changed = await owner.patch(`${USERS}/${user.id}`, { role: 'operator' }, { 'if-match': 'W/"1"' });
    expect([changed.status, changed.body['role'], changed.headers.get('etag')]).toEqual([200, 'operator', 'W/"2"']);
    expect((await user.client.postUntilTaken('/api/v1/accounts', { asset: 'USD' })).status).toBeLessThan(300);
    expect(told(await owner.patch(`${USERS}/${user.id}`, { role: 'viewer' }, { 'if-match': 'W/"1"' }))).toBe(
      '412 version_differs',
    );
  });

  it('is given another role, which counts for the token of a refresh that came meanwhile', async () => {
    const user = await userOf(stage.db, client, 'operator');
    const admin = new Postgres({ connectionString: stage.adminUrl });
    await admin.connect();
    // The change has done all but to commit.
    await admin.query('begin');
    await admin.query('lock table audit_log in exclusive mode');
    const changed = owner.patch(`${USERS}/${user.id}`, { role: 'viewer' });
    await until('the change waits', async () => (await admin.query(WAITING)).rowCount === 1);
    let early: Answered | undefined;
    const refreshed = postOpen(base, '/api/v1/auth/refresh', { refresh_token: user.refreshToken }).then(
      (answer) => (early = answer),
    );
    await until('the refresh is over or waits', async () => early ?? (await admin.query(WAITING)).rowCount === 2);
    const holder = (answer: Answered) => Client.with(client.tenant, answer.body['access_token'] as string, base);
    // Whoever looks the token up now learns the role as it was.
    if (early) await holder(early).get(ME);
    await admin.query('commit');
    await admin.end();
    expect((await changed).status).toBe(200);
    const { body } = await holder(await refreshed).get(ME);
    expect(body['scopes']).toEqual(ROLE_SCOPES.viewer);
  });

  it('who is given more is let in by no invitation from before: it was made by who might not give that', async () => {
    const [{ client: admin }, user] = await Promise.all([
      userOf(stage.db, client, 'admin'),
      userOf(stage.db, client, 'admin'),
    ]);
    const invite = async () =>
      (await admin.send('POST', `${USERS}/${user.id}/invitation`, undefined, { 'idempotency-key': newId('event') }))
        .body;
    const give = (role: string) => owner.patch(`${USERS}/${user.id}`, { role }, { 'if-match': '*' });

    const { invitation_token: first } = await invite();
    expect((await give('operator')).body).toMatchObject({ invitation_expires_at: expect.any(String) as string });
    expect((await give('owner')).body).toMatchObject({ role: 'owner', invitation_expires_at: null });
    expect(told(await accept(first, 'what the admin chose'))).toBe('401 invitation_invalid');
    expect((await user.client.get(ME)).body).toMatchObject({ user: { role: 'owner' } });
    // Who may give the role may invite to it.
    await give('viewer');
    const { invitation_token: second } = await invite();
    expect((await accept(second, 'what the user chose')).status).toBe(200);
  });

  it('who is disabled is out at once, and in again when he is let in', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    const disabled = await owner.patch(`${USERS}/${user.id}`, { disabled: true });
    expect(disabled.body).toMatchObject({ status: 'disabled', disabled_at: expect.any(String) as string });
    expect(told(await user.client.get(ME))).toBe('401 unauthenticated');
    expect(told(await postOpen(base, '/api/v1/auth/refresh', { refresh_token: user.refreshToken }))).toBe(
      '401 refresh_token_invalid',
    );
    expect((await owner.patch(`${USERS}/${user.id}`, { disabled: false })).body['status']).toBe('active');
    expect((await logIn(base, user.email)).status).toBe(200);
  });

  it('is found by address and role, and a list goes on where it stopped', async () => {
    const user = await addUser(stage.db, client.tenant, 'auditor');
    const found = await owner.get(`${USERS}?email=${user.email}&role=auditor`);
    expect((found.body['data'] as { id: string }[]).map(({ id }) => id)).toEqual([user.id]);
    const ids: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await owner.get(`${USERS}?limit=2${cursor && `&cursor=${cursor}`}`);
      ids.push(...(body['data'] as { id: string }[]).map(({ id }) => id));
      cursor = body['next_cursor'] as string | null;
    }
    expect([new Set(ids).size, ids.includes(ownerId), ids[0]]).toEqual([ids.length, true, user.id]);
  });

  it('of another organisation is not there', async () => {
    const foreign = await userOf(stage.db, await Client.of(stage.db, base), 'owner');
    expect(told(await foreign.client.get(`${USERS}/${ownerId}`))).toBe('404 not_found');
    expect(told(await foreign.client.patch(`${USERS}/${ownerId}`, { role: 'viewer' }))).toBe('404 not_found');
    expect(told(await foreign.client.post(`${USERS}/${ownerId}/invitation`, {}))).toBe('404 not_found');
    expect((await foreign.client.get(USERS)).body['data']).toHaveLength(1);
  });

  it.each([
    ['no address', { role: 'viewer' }],
    ['what is no address', { email: 'viewer', role: 'viewer' }],
    ['a role that there is not', { email: 'a@example.com', role: 'god' }],
    ['a short password', { email: 'a@example.com', role: 'viewer', password: 'elevenchars' }],
    ['the address as the password', { email: 'abc@example.com', role: 'viewer', password: 'ABC@example.com' }],
    ['an unknown field', { email: 'a@example.com', role: 'viewer', admin: true }],
  ])('is not made of %s: no row', async (_what, body) => {
    const before = [await countRows(stage.db), (await owner.get(`${USERS}?limit=200`)).text];
    expect(told(await owner.post(USERS, body))).toBe('400 invalid_request');
    expect([await countRows(stage.db), (await owner.get(`${USERS}?limit=200`)).text]).toEqual(before);
  });
});

describe('who looks after users', () => {
  it('gives nobody more than he has, and changes nobody who has more', async () => {
    const admin = await userOf(stage.db, client, 'admin');
    const viewer = await addUser(stage.db, client.tenant, 'viewer');
    expect(told(await admin.client.post(USERS, { email: address(), role: 'owner' }))).toBe('403 scopes_exceeded');
    expect(told(await admin.client.patch(`${USERS}/${admin.id}`, { role: 'owner' }))).toBe('403 scopes_exceeded');
    for (const body of [{ role: 'viewer' }, { disabled: true }, { name: 'x' }])
      expect(told(await admin.client.patch(`${USERS}/${ownerId}`, body))).toBe('403 scopes_exceeded');
    expect(told(await admin.client.post(`${USERS}/${ownerId}/invitation`, {}))).toBe('403 scopes_exceeded');
    expect((await admin.client.patch(`${USERS}/${viewer.id}`, { role: 'admin' })).status).toBe(200);
  });

  it('is no operator, auditor or viewer, and no key of test mode', async () => {
    for (const role of ['operator', 'auditor', 'viewer'] as const) {
      const user = await userOf(stage.db, client, role);
      expect(told(await user.client.post(USERS, { email: address(), role: 'viewer' }))).toBe('403 forbidden');
    }
    expect(told(await client.post(USERS, { email: address(), role: 'viewer' }))).toBe('403 live_mode_required');
    const live = await client.withKey(stage.db, SCOPES, true);
    expect((await live.post(USERS, { email: address(), role: 'viewer' })).status).toBe(201);
  });
});

describe('a key that is bound to addresses or has an end', () => {
  it.each([
    ['addresses', { allowed_addresses: ['127.0.0.1'] }],
    ['an end', { expires_at: new Date(Date.now() + 3_600_000).toISOString() }],
  ])('makes no user, who would have neither, nor gives one anything: %s', async (_what, bounds) => {
    const live = (await userOf(stage.db, client, 'owner', true)).client;
    const key = await live.post('/api/v1/keys', { name: 'bound', scopes: SCOPES, ...bounds });
    const bound = Client.with(client.tenant, key.body['secret'] as string, base);
    const { id } = await addUser(stage.db, client.tenant, 'viewer');
    const path = `${USERS}/${id}`;
    const before = await countRows(stage.db);
    expect(told(await bound.post(USERS, { email: address(), role: 'viewer' }))).toBe('403 scopes_exceeded');
    expect(told(await bound.post(`${path}/invitation`, {}))).toBe('403 scopes_exceeded');
    expect(told(await bound.patch(path, { role: 'operator' }))).toBe('403 scopes_exceeded');
    expect(await countRows(stage.db)).toEqual(before);
    expect((await bound.patch(path, { name: 'x' })).status).toBe(200);
    expect((await bound.patch(path, { disabled: true })).status).toBe(200);
    expect(told(await bound.patch(path, { disabled: false }))).toBe('403 scopes_exceeded');
  });
});

describe('the last owner', () => {
  it('stays: no change takes him away', async () => {
    const alone = await userOf(stage.db, await Client.of(stage.db, base), 'owner');
    const [path, admin] = [`${USERS}/${alone.id}`, { role: 'admin' }];
    expect(told(await alone.client.patch(path, admin))).toBe('409 last_owner');
    expect(told(await alone.client.patch(path, { disabled: true }))).toBe('409 last_owner');
    const second = await alone.client.post(USERS, { email: address(), role: 'owner' });
    // Invited is not there yet: he could not log in.
    expect(told(await alone.client.patch(path, admin))).toBe('409 last_owner');
    expect((await accept(second.body['invitation_token'])).status).toBe(200);
    expect((await alone.client.patch(path, admin)).status).toBe(200);
  });

  it('is left, whichever of two goes first, when both go at once', async () => {
    const admin = new Postgres({ connectionString: stage.adminUrl });
    await admin.connect();
    for (let round = 0; round < 3; round++) {
      const one = await userOf(stage.db, await Client.of(stage.db, base), 'owner');
      const { tenant } = one.client;
      const other = await userOf(stage.db, one.client, 'owner');
      expect(tenant).toBe(other.client.tenant);
      // Both are let in before either has ended the other's session.
      await admin.query('begin');
      await admin.query('select from users where tenant_id = $1 for update', [uuidOf('tenant', tenant)]);
      const asked = Promise.all([
        one.client.patch(`${USERS}/${other.id}`, { disabled: true }),
        other.client.patch(`${USERS}/${one.id}`, { disabled: true }),
      ]);
      await until('both wait', async () => (await admin.query(WAITING)).rowCount === 2);
      await admin.query('commit');
      expect((await asked).map(({ status }) => status).sort()).toEqual([200, 409]);
    }
    await admin.end();
  });
});

describe('a write that ends at the gateway', () => {
  it('is done once, however many copies of it come at once; the others are answered alike or told to come back', async () => {
    const body = { email: address(), role: 'viewer', password: PASSWORD };
    const key = { 'idempotency-key': 'swarm' };
    const answers = await Promise.all(Array.from({ length: 20 }, () => owner.post(USERS, body, key)));
    const made = answers.filter(({ status }) => status === 201);
    expect(made.length).toBeGreaterThan(0);
    expect(new Set(made.map(({ text }) => text)).size).toBe(1);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expect(told(answer)).toMatch(/^(409 key_in_use|503 )/);
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    const found = await owner.get(`${USERS}?email=${body.email}`);
    expect(found.body['data']).toHaveLength(1);
  });

  it('needs a key, and one key is for one request', async () => {
    const body = { email: address(), role: 'viewer' };
    expect(told(await owner.post(USERS, body, { 'idempotency-key': '' }))).toBe('400 idempotency_key_missing');
    expect(told(await owner.post(USERS, body, { 'idempotency-key': 'x'.repeat(256) }))).toBe(
      '400 idempotency_key_malformed',
    );
    const key = { 'idempotency-key': 'one-for-one' };
    expect((await owner.post(USERS, body, key)).status).toBe(201);
    expect(told(await owner.post(USERS, { ...body, role: 'auditor' }, key))).toBe('422 idempotency_key_reused');
    expect(told(await owner.delete(`/api/v1/keys/${newId('apiKey')}`, key))).toBe('422 idempotency_key_reused');
    expect(told(await owner.post('/api/v1/accounts', { asset: 'USD' }, key))).toBe('422 idempotency_key_reused');
    expect(
      (await client.postUntilTaken('/api/v1/accounts', { asset: 'USD' }, { 'idempotency-key': 'of-books' })).status,
    ).toBeLessThan(300);
    expect(told(await owner.post(USERS, { email: address(), role: 'viewer' }, { 'idempotency-key': 'of-books' }))).toBe(
      '422 idempotency_key_reused',
    );
  });

  it('that was refused has left nothing: the same key may be used when the reason is gone', async () => {
    const key = { 'idempotency-key': 'again' };
    const alone = await userOf(stage.db, await Client.of(stage.db, base), 'owner');
    const go = () => alone.client.patch(`${USERS}/${alone.id}`, { role: 'admin' }, key);
    expect(told(await go())).toBe('409 last_owner');
    await addUser(stage.db, alone.client.tenant, 'owner');
    expect((await go()).status).toBe(200);
  });
});
