import { randomUUID } from 'node:crypto';
import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { until } from '@payflow/testing';
import { Client as Postgres } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashToken } from '../../identity/tokens.js';
import { Client } from '../../testing/gateway-under-test.js';
import { addUser, logIn, PASSWORD, postOpen, userOf } from '../../testing/people.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const AUTH = '/api/v1/auth';
const ME = `${AUTH}/me`;
const SESSIONS = `${AUTH}/sessions`;
/** Who waits for another's locks. */
const WAITING = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

let stage: Stage;
let client: Client;
let base: string;

beforeAll(async () => {
  stage = await openStage();
  ({ client } = stage);
  ({ base } = client);
});
afterAll(() => stage?.close());

const by = (token: unknown): Client => Client.with(client.tenant, token as string, base);
const refresh = (token: unknown) => postOpen(base, `${AUTH}/refresh`, { refresh_token: token });

describe('a login', () => {
  it('gives tokens that let in whoever has them, with the scopes of the role, and is stored nowhere', async () => {
    const { email, id } = await addUser(stage.db, client.tenant, 'viewer');
    const { status, body, headers } = await logIn(base, email.toUpperCase());
    expect([status, headers.get('cache-control'), body]).toEqual([
      200,
      'no-store',
      {
        ...{ object: 'tokens', token_type: 'Bearer', expires_in: 900, refresh_expires_in: 14 * 86_400 },
        access_token: expect.stringMatching(/^at_[\w-]{43}$/) as string,
        refresh_token: expect.stringMatching(/^rt_[\w-]{43}$/) as string,
        session: expect.stringMatching(/^ses_/) as string,
      },
    ]);
    const me = await by(body['access_token']).get(ME);
    expect(me.body).toMatchObject({ id, object: 'me', kind: 'user', livemode: false, session: body['session'] });
    expect(told(await by(body['access_token']).get(`/api/v1/payments/${newId('payment')}`))).toBe('404 not_found');
    expect(told(await by(body['access_token']).post('/api/v1/accounts', { asset: 'USD' }))).toBe('403 forbidden');
  });

  it('is of the mode that it asks for: what is live is not seen from test mode', async () => {
    const { email } = await addUser(stage.db, client.tenant, 'operator');
    const account = await client.open();
    const live = await logIn(base, email, PASSWORD, { livemode: true });
    expect(told(await by(live.body['access_token']).get(`/api/v1/accounts/${account}`))).toBe('404 not_found');
    const test = await logIn(base, email);
    expect(told(await by(test.body['access_token']).get(`/api/v1/accounts/${account}`))).toBe('200');
  });

  it('says the same of a wrong password, an unknown address, a disabled user and one who was only invited', async () => {
    const owner = await userOf(stage.db, client, 'owner');
    const { email } = await addUser(stage.db, client.tenant, 'viewer');
    const gone = await addUser(stage.db, client.tenant, 'viewer');
    await owner.client.patch(`/api/v1/users/${gone.id}`, { disabled: true });
    const invited = await owner.client.post('/api/v1/users', { email: 'invited@example.com', role: 'viewer' });
    expect(invited.status).toBe(201);
    const answers = [
      await logIn(base, email, 'wrong horse battery'),
      await logIn(base, 'nobody@example.com'),
      await logIn(base, gone.email),
      await logIn(base, 'invited@example.com'),
    ];
    const said = answers.map(({ status, body: { code, title, detail } }) => ({ status, code, title, detail }));
    expect(new Set(said.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(said[0]).toMatchObject({ status: 401, code: 'credentials_invalid' });
  });

  it('does the same work for an address that is nobody’s as for a wrong password', async () => {
    const hashes = async (): Promise<number> =>
      Number(
        /^payflow_password_hash_duration_seconds_count (\d+)/m.exec(
          await (await fetch(`${base}/metrics`)).text(),
        )?.[1] ?? 0,
      );
    const { email } = await addUser(stage.db, client.tenant, 'viewer');
    const before = await hashes();
    await logIn(base, email, 'wrong horse battery');
    const between = await hashes();
    await logIn(base, 'nobody-at-all@example.com');
    expect([between - before, (await hashes()) - between]).toEqual([1, 1]);
  });

  it('is of the organisation that is named, where an address has users in more than one', async () => {
    const other = await Client.of(stage.db, base);
    const [here, there] = [await userOf(stage.db, client, 'owner'), await userOf(stage.db, other, 'owner')];
    const user = { email: 'both@example.com', role: 'viewer', password: PASSWORD };
    expect((await here.client.post('/api/v1/users', user)).status).toBe(201);
    expect((await there.client.post('/api/v1/users', user)).status).toBe(201);
    const organisation = async (more: object): Promise<unknown> => {
      const { body } = await logIn(base, 'both@example.com', PASSWORD, more);
      return ((await by(body['access_token']).get(ME)).body['organisation'] as { id: string }).id;
    };
    expect(await organisation({ organisation: other.tenant })).toBe(other.tenant);
    expect(await organisation({})).toBe(client.tenant);
  });

  it.each([
    [
      'was disabled',
      async (owner: Client, id: unknown) => owner.patch(`/api/v1/users/${String(id)}`, { disabled: true }),
    ],
    ['was only invited', undefined],
  ])('is not of an organisation where he %s, as long as there is another', async (_how, lockedOut) => {
    const other = await Client.of(stage.db, base);
    const [here, there] = [await userOf(stage.db, client, 'owner'), await userOf(stage.db, other, 'owner')];
    const user = { email: `${randomUUID()}@example.com`, role: 'viewer' };
    const first = await here.client.post('/api/v1/users', lockedOut ? { ...user, password: PASSWORD } : user);
    expect((await there.client.post('/api/v1/users', { ...user, password: PASSWORD })).status).toBe(201);
    await lockedOut?.(here.client, first.body['id']);
    const { body } = await logIn(base, user.email);
    const me = await by(body['access_token']).get(ME);
    expect((me.body['organisation'] as { id: string } | undefined)?.id).toBe(other.tenant);
    expect(told(await logIn(base, user.email, PASSWORD, { organisation: client.tenant }))).toBe(
      '401 credentials_invalid',
    );
  });

  it.each([
    ['no body', undefined, '415 unsupported_media_type'],
    ['no password', { email: 'a@example.com' }, '400 invalid_request'],
    ['a password that is no text', { email: 'a@example.com', password: 5 }, '400 invalid_request'],
    ['a query of a database', { email: { $gt: 0 }, password: { $gt: 0 } }, '400 invalid_request'],
    ['an unknown field', { email: 'a@example.com', password: 'b', admin: true }, '400 invalid_request'],
    ['a long password', { email: 'a@example.com', password: 'p'.repeat(3_000) }, '400 invalid_request'],
    ['a password that fills a disk', { email: 'a@example.com', password: 'p'.repeat(200_000) }, '400 invalid_json'],
    [
      'an organisation that is none',
      { email: 'a@example.com', password: 'b', organisation: 'org_1' },
      '400 invalid_request',
    ],
  ])('with %s is refused, and repeats nothing of it', async (_what, body, expected) => {
    const answer =
      body === undefined
        ? await by('at_none').send('POST', `${AUTH}/login`, undefined, {})
        : await postOpen(base, `${AUTH}/login`, body);
    expect(told(answer)).toBe(expected);
    expect(answer.text).not.toContain('pppp');
  });
});

describe('a refresh token', () => {
  it('says how long it is good for: not beyond the ninety days of its session', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    const next = await refresh(user.refreshToken);
    expect(next.body).toMatchObject({ expires_in: 900, refresh_expires_in: 14 * 86_400 });
    const admin = new Postgres({ connectionString: stage.adminUrl });
    await admin.connect();
    const begun = `clock_timestamp() - interval '90 days' + interval '200 seconds'`;
    await admin.query(`update sessions set created_at = ${begun} where user_id = $1`, [uuidOf('user', user.id)]);
    await admin.end();
    const { body } = await refresh(next.body['refresh_token']);
    for (const life of ['refresh_expires_in', 'expires_in']) {
      expect(body[life]).toBeGreaterThan(100);
      expect(body[life]).toBeLessThanOrEqual(200);
    }
  });

  it('gives the next tokens; the access token before goes on until its end', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    const next = await refresh(user.refreshToken);
    expect([next.status, next.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect((await by(next.body['access_token']).get(ME)).body['id']).toBe(user.id);
    expect((await user.client.get(ME)).status).toBe(200);
    expect((await refresh(next.body['refresh_token'])).status).toBe(200);
  });

  it('that comes a second time ends the session, with all its tokens, at once', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    const next = await refresh(user.refreshToken);
    expect((await by(next.body['access_token']).get(ME)).status).toBe(200);
    expect(told(await refresh(user.refreshToken))).toBe('401 refresh_token_reused');
    expect(told(await by(next.body['access_token']).get(ME))).toBe('401 unauthenticated');
    expect(told(await user.client.get(ME))).toBe('401 unauthenticated');
    expect(told(await refresh(next.body['refresh_token']))).toBe('401 refresh_token_invalid');
  });

  it('of which many copies come at once gives tokens to one of them at most', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(user.refreshToken)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const winner = answers.find(({ status }) => status === 200);
    expect(told(await by(winner?.body['access_token']).get(ME))).toBe('401 unauthenticated');
  });

  it('is not good where it is unknown, an access token, or of a session that has ended', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    expect(told(await refresh(`rt_${'x'.repeat(43)}`))).toBe('401 refresh_token_invalid');
    expect(told(await refresh(user.client.key))).toBe('400 invalid_request');
    expect((await user.client.post(`${AUTH}/logout`, {})).status).toBe(204);
    expect(told(await refresh(user.refreshToken))).toBe('401 refresh_token_invalid');
  });

  it('does not let in where an access token does', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    expect(told(await by(user.refreshToken).get(ME))).toBe('401 unauthenticated');
  });
});

describe('a session', () => {
  it('ends with its own logout alone: under a key that stands for the logout of somebody else nobody is told that it has', async () => {
    const [one, other] = [await userOf(stage.db, client, 'viewer'), await userOf(stage.db, client, 'viewer')];
    const key = { 'idempotency-key': 'goodbye' };
    expect(told(await one.client.post(`${AUTH}/logout`, {}, key))).toBe('204');
    expect(told(await other.client.post(`${AUTH}/logout`, {}, key))).toBe('422 idempotency_key_reused');
    expect(told(await other.client.get(ME))).toBe('200');
  });

  it('ends with a logout: its access token is good for nothing at once', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    expect((await user.client.get(ME)).status).toBe(200);
    const ended = await user.client.send('POST', `${AUTH}/logout`, undefined, { 'idempotency-key': 'a' });
    expect([ended.status, ended.text]).toEqual([204, '']);
    expect(told(await user.client.get(ME))).toBe('401 unauthenticated');
  });

  it('is listed with where it came from, and revoked by its user', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    const second = await logIn(base, user.email);
    const listed = (await user.client.get(SESSIONS)).body['data'] as Record<string, unknown>[];
    expect(listed.map(({ current, address, ended_at }) => ({ current, address, ended_at }))).toEqual([
      { current: false, address: '127.0.0.1', ended_at: null },
      { current: true, address: '127.0.0.1', ended_at: null },
    ]);
    expect(told(await user.client.delete(`${SESSIONS}/${second.body['session'] as string}`))).toBe('204');
    expect(told(await by(second.body['access_token']).get(ME))).toBe('401 unauthenticated');
    const page = await user.client.get(`${SESSIONS}?limit=1`);
    expect(page.body['data']).toMatchObject([{ end_reason: 'revoked' }]);
    const rest = await user.client.get(`${SESSIONS}?limit=1&cursor=${page.body['next_cursor'] as string}`);
    expect(rest.body).toMatchObject({ data: [{ current: true }], next_cursor: null });
  });

  it('of another is seen and revoked by those who look after users, and by nobody else', async () => {
    const [user, viewer] = [await userOf(stage.db, client, 'operator'), await userOf(stage.db, client, 'viewer')];
    const admin = await userOf(stage.db, client, 'admin');
    const owner = await userOf(stage.db, client, 'owner');
    const of = async (id: string): Promise<string> =>
      ((await admin.client.get(`${SESSIONS}?user=${id}`)).body['data'] as { id: string }[])[0]?.id ?? '';
    expect(told(await viewer.client.get(`${SESSIONS}?user=${user.id}`))).toBe('403 forbidden');
    expect(told(await viewer.client.delete(`${SESSIONS}/${await of(user.id)}`))).toBe('404 not_found');
    expect(told(await admin.client.delete(`${SESSIONS}/${await of(owner.id)}`))).toBe('403 scopes_exceeded');
    expect(told(await admin.client.delete(`${SESSIONS}/${await of(user.id)}`))).toBe('204');
    expect(told(await user.client.get(ME))).toBe('401 unauthenticated');
    const foreign = await userOf(stage.db, await Client.of(stage.db, base), 'owner');
    expect(told(await foreign.client.delete(`${SESSIONS}/${await of(owner.id)}`))).toBe('404 not_found');
    expect((await foreign.client.get(`${SESSIONS}?user=${owner.id}`)).body['data']).toEqual([]);
  });

  it('is nothing that a key has, or could leave', async () => {
    expect((await client.get(SESSIONS)).body).toEqual({ data: [], next_cursor: null });
    expect(told(await client.post(`${AUTH}/logout`, {}))).toBe('403 session_required');
    expect(told(await client.get(`${SESSIONS}?user=usr_1`))).toBe('400 invalid_parameter');
    expect(told(await client.delete(`${SESSIONS}/ses_1`))).toBe('400 invalid_id');
    expect(told(await client.post(`${AUTH}/logout`, { everywhere: true }))).toBe('400 invalid_request');
  });

  it('lets nobody in whose access token is over', async () => {
    const short = await openStage({ PAYFLOW_ACCESS_TOKEN_LIFE: '1s' });
    try {
      const user = await userOf(short.db, short.client, 'viewer');
      await expect.poll(async () => told(await user.client.get(ME)), { timeout: 10_000 }).toBe('401 unauthenticated');
      expect((await postOpen(short.client.base, `${AUTH}/refresh`, { refresh_token: user.refreshToken })).status).toBe(
        200,
      );
    } finally {
      await short.close();
    }
  });

  it('stands in the table by the hashes of its tokens alone', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    const known = await stage.db.rows(statement('spec.token', `select from session_tokens where hash = $1`), [
      hashToken(user.client.key),
    ]);
    expect(known).toHaveLength(1);
    const rows = await stage.db.rows<{ text: string }>(
      statement(
        'spec.session-texts',
        `select s::text || coalesce(t::text, '') as text from sessions s left join session_tokens t on t.session_id = s.id`,
      ),
    );
    for (const { text } of rows) expect(text).not.toMatch(/at_|rt_/);
  });
});

describe('a password', () => {
  const change = (user: Client, current: string, password: string, key: string = randomUUID()) =>
    user.post(`${AUTH}/password`, { current_password: current, password }, { 'idempotency-key': key });

  it('is changed by who knows it; his other sessions end, and this one does not', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    const other = await logIn(base, user.email);
    const key = randomUUID();
    const changed = await change(user.client, PASSWORD, 'another horse battery', key);
    expect([changed.status, changed.text]).toEqual([204, '']);
    expect(told(await by(other.body['access_token']).get(ME))).toBe('401 unauthenticated');
    expect((await user.client.get(ME)).status).toBe(200);
    expect(told(await logIn(base, user.email))).toBe('401 credentials_invalid');
    expect((await logIn(base, user.email, 'another horse battery')).status).toBe(200);
    const again = await change(user.client, PASSWORD, 'another horse battery', key);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([204, 'true']);
    expect(told(await change(user.client, PASSWORD, 'a third horse battery', key))).toBe('422 idempotency_key_reused');
  });

  it('is not changed by who does not know it, to a short one, or by a key', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    expect(told(await change(user.client, 'wrong', 'another horse battery'))).toBe('401 credentials_invalid');
    expect(told(await change(user.client, PASSWORD, 'short'))).toBe('400 invalid_request');
    expect(told(await change(client, PASSWORD, 'another horse battery'))).toBe('403 session_required');
    expect((await logIn(base, user.email)).status).toBe(200);
  });

  it('is changed once by those who know it at one moment: whoever comes second has not the last word', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    const other = by((await logIn(base, user.email)).body['access_token']);
    const admin = new Postgres({ connectionString: stage.adminUrl });
    await admin.connect();
    await admin.query('begin');
    await admin.query('select from users where id = $1 for update', [uuidOf('user', user.id)]);
    const chosen = ['the horse of the one', 'the horse of the other'] as const;
    const asked = Promise.all([change(user.client, PASSWORD, chosen[0]), change(other, PASSWORD, chosen[1])]);
    await until('both wait', async () => (await admin.query(WAITING)).rowCount === 2);
    await admin.query('commit');
    await admin.end();
    const answers = (await asked).map(told);
    expect([...answers].sort()).toEqual(['204', '401 credentials_invalid']);
    const last = await Promise.all(chosen.map((password) => logIn(base, user.email, password)));
    expect(last.map(told)).toEqual(answers.map((answer) => (answer === '204' ? '200' : answer)));
  });

  it('stands nowhere in clear, nor in a form that a fast hash would find', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    await change(user.client, PASSWORD, 'a very particular password', 'particular');
    const rows = await stage.db.rows<{ text: string; fingerprint: Buffer }>(
      statement(
        'spec.password-texts',
        `select u::text || coalesce(r::text, '') as text, r.fingerprint from users u left join idempotency_records r on r.idempotency_key = 'particular' where u.email = $1`,
      ),
      [user.email],
    );
    expect(rows[0]?.text).toMatch(/\$argon2id\$/);
    expect(rows[0]?.text).not.toContain('particular password');
  });
});
