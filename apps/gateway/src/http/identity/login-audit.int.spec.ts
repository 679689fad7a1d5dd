import { statement } from '@payflow/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../testing/gateway-under-test.js';
import { addUser, logIn, PASSWORD, postOpen, userOf } from '../../testing/people.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const LOG = '/api/v1/audit_log';
const AUTH = '/api/v1/auth';
const DAY_S = 86_400;
const COUNT = statement('spec.audit-entries', 'select count(*)::integer as entries from audit_log');

type Entry = Readonly<Record<string, unknown>>;
let stage: Stage;
let client: Client;
let base: string;
beforeAll(async () => {
  stage = await openStage();
  ({ client } = stage);
  ({ base } = client);
});
afterAll(() => stage?.close());

const entries = async (query: string, of = client): Promise<Entry[]> => {
  const { status, body, text } = await of.get(`${LOG}?${query}`);
  if (status !== 200) throw new Error(text);
  return body['data'] as Entry[];
};
const counted = async () => (await stage.db.rows<{ entries: number }>(COUNT))[0]?.entries;
const refresh = (token: unknown) => postOpen(base, `${AUTH}/refresh`, { refresh_token: token });

describe('a login', () => {
  it('is written down with who, when, from where and which session', async () => {
    const { email, id } = await addUser(stage.db, client.tenant, 'viewer');
    const { body, headers } = await logIn(base, email);
    expect(await entries(`actor=${id}`)).toEqual([
      {
        ...{ id: expect.stringMatching(/^aud_/) as string, object: 'audit_entry', livemode: false, actor: id },
        ...{ actor_kind: 'user', operation: 'logIn', resource: body['session'], before: null },
        after: { outcome: 'granted' },
        address: '127.0.0.1',
        request_id: headers.get('request-id'),
        ...{ trace_id: expect.any(String) as string, created_at: expect.any(String) as string },
      },
    ]);
    await logIn(base, email, PASSWORD, { livemode: true });
    expect(await entries(`actor=${id}`)).toHaveLength(1);
  });

  it('that fails is, as of whom it was tried, and so is that nobody may try for a while', async () => {
    const { email, id } = await addUser(stage.db, client.tenant, 'viewer');
    for (let at = 0; at < 5; at++)
      expect(told(await logIn(base, email, 'a wrong one'))).toBe('401 credentials_invalid');
    // Who has to wait changes nothing, and so leaves nothing.
    expect(told(await logIn(base, email))).toBe('429 login_blocked');
    const failed = await entries(`resource=${id}&operation=logIn`);
    expect(failed.map(({ after }) => after)).toEqual(
      [5, 4, 3, 2, 1].map((failures) => ({
        ...{ outcome: 'credentials_invalid', failures },
        blocked_for_seconds: failures === 5 ? 1 : 0,
      })),
    );
    expect(JSON.stringify(failed)).not.toContain('a wrong one');
  });

  it('for an address that is nobody’s leaves nothing, however often', async () => {
    const before = await counted();
    for (let at = 0; at < 7; at++) await logIn(base, 'nobody-at-all@example.com', 'wrong');
    expect(await counted()).toBe(before);
  });

  it('that fails again and again fills no disk', async () => {
    const { email, id } = await addUser(stage.db, client.tenant, 'viewer');
    await logIn(base, email, 'wrong');
    const often = (failures: number) =>
      stage.db.count(
        statement(
          'spec.failed-often',
          'update login_failures set failures = $1, blocked_until = now() - interval $$1 s$$',
        ),
        [failures],
      );
    for (const failures of [50, 51, 62, 63, 64, 65]) {
      await often(failures);
      expect(told(await logIn(base, email, 'wrong'))).toBe('401 credentials_invalid');
    }
    const tried = (await entries(`actor=${id}`)).map(({ after }) => (after as { failures: number }).failures);
    expect(tried).toEqual([64, 1]);
  });
});

describe('a session', () => {
  it('that its user ends is written down with what it was, and its tokens are not', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    const [opened] = await entries(`actor=${user.id}`);
    const key = { 'idempotency-key': 'out-once' };
    for (let time = 0; time < 2; time++) await user.client.send('POST', `${AUTH}/logout`, undefined, key);
    const [ended, ...others] = await entries(`resource=${opened?.['resource'] as string}`);
    expect(others).toEqual([opened]);
    expect(ended).toMatchObject({
      ...{ operation: 'logOut', actor: user.id, actor_kind: 'user', address: '127.0.0.1' },
      before: { id: opened?.['resource'], object: 'session', ended_at: null, user: user.id },
      after: { end_reason: 'logged_out' },
    });
    expect(JSON.stringify(ended)).not.toMatch(/at_|rt_/);
  });

  it('that somebody else ends is, and one that ends because a token came twice is once', async () => {
    const user = await userOf(stage.db, client, 'viewer');
    const session = (await entries(`actor=${user.id}`))[0]?.['resource'] as string;
    const owner = await userOf(stage.db, client, 'owner');
    const revoked = await owner.client.send('DELETE', `${AUTH}/sessions/${session}`, undefined, {
      'idempotency-key': 'revoke-it',
    });
    expect(revoked.status).toBe(204);
    expect((await entries(`resource=${session}`))[0]).toMatchObject({
      ...{ operation: 'revokeSession', actor: owner.id, before: { ended_at: null }, after: { end_reason: 'revoked' } },
    });

    const robbed = await userOf(stage.db, client, 'viewer');
    const next = await refresh(robbed.refreshToken);
    for (let time = 0; time < 3; time++)
      expect(told(await refresh(robbed.refreshToken))).toBe('401 refresh_token_reused');
    expect(next.status).toBe(200);
    expect((await entries(`actor=${robbed.id}`)).map(({ operation, after }) => [operation, after])).toEqual([
      ['refreshSession', { end_reason: 'token_reused' }],
      ['logIn', { outcome: 'granted' }],
    ]);
  });

  it('that begins with an invitation is, with the user that came of it', async () => {
    const owner = await userOf(stage.db, client, 'owner');
    const made = await owner.client.post('/api/v1/users', { email: 'new@example.com', role: 'viewer' });
    const token = made.body['invitation_token'];
    const accepted = await postOpen(base, `${AUTH}/invitation`, { invitation_token: token, password: PASSWORD });
    expect(accepted.status).toBe(200);
    const [entry] = await entries(`resource=${made.body['id'] as string}`);
    expect(entry).toMatchObject({
      ...{ operation: 'acceptInvitation', actor: made.body['id'], address: '127.0.0.1' },
      before: { status: 'invited' },
      after: { status: 'active', session: accepted.body['session'] },
    });
    const before = await counted();
    expect(told(await postOpen(base, `${AUTH}/invitation`, { invitation_token: token, password: PASSWORD }))).toBe(
      '401 invitation_invalid',
    );
    expect([await counted(), JSON.stringify(entry).includes(token as string)]).toEqual([before, false]);
  });
});

it('a password that is changed is written down with how many sessions ended, one that was not with the failure', async () => {
  const user = await userOf(stage.db, client, 'viewer');
  await logIn(base, user.email);
  const change = (current_password: string) =>
    user.client.post(`${AUTH}/password`, { current_password, password: 'another fine password' });
  expect(told(await change('not that'))).toBe('401 credentials_invalid');
  expect((await change(PASSWORD)).status).toBe(204);
  expect((await entries(`resource=${user.id}`)).map(({ operation, after }) => [operation, after])).toEqual([
    ['changePassword', { sessions_ended: 1 }],
    ['changePassword', { outcome: 'credentials_invalid', failures: 1, blocked_for_seconds: 0 }],
  ]);
});

it('what is about a user stands in the live log, whichever credential it was done with: there is one user for both modes', async () => {
  const [owner, live] = [await userOf(stage.db, client, 'owner'), await client.withKey(stage.db, ['audit:read'], true)];
  const email = 'hidden@example.com';
  const made = await owner.client.post('/api/v1/users', { email, role: 'viewer' });
  const id = made.body['id'] as string;
  const invited = { invitation_token: made.body['invitation_token'], password: PASSWORD };
  expect((await postOpen(base, `${AUTH}/invitation`, invited)).status).toBe(200);
  await logIn(base, email, 'a wrong one');
  await owner.client.patch(`/api/v1/users/${id}`, { role: 'owner' }, { 'if-match': '*' });
  // Of the session, which is of test mode, the live log says nothing.
  const session = (await logIn(base, email)).body['session'] as string;
  const told = async (of: Client) =>
    (await entries(`resource=${id}`, of)).map(({ operation, actor, livemode }) => [operation, actor, livemode]);
  const done = [
    ['updateUser', owner.id],
    ['logIn', id],
    ['acceptInvitation', id],
    ['createUser', owner.id],
  ];
  expect(await told(live)).toEqual(done.map((one) => [...one, true]));
  expect(await told(client)).toEqual(done.map((one) => [...one, false]));
  expect([await entries(`resource=${session}`, live), await entries(`resource=${session}`)]).toMatchObject([[], [{}]]);
});

it('a session that is ended with a test credential stands in the live log: it may be one of live mode', async () => {
  const [owner, live] = [await userOf(stage.db, client, 'owner'), await client.withKey(stage.db, ['audit:read'], true)];
  const { id } = await userOf(stage.db, client, 'viewer', true);
  const found = await owner.client.get(`${AUTH}/sessions?user=${id}`);
  const session = (found.body['data'] as { id: string }[])[0]?.id as string;
  expect((await owner.client.delete(`${AUTH}/sessions/${session}`)).status).toBe(204);
  const entry = { operation: 'revokeSession', actor: owner.id, resource: session, after: { end_reason: 'revoked' } };
  const query = `resource=${session}&operation=revokeSession`;
  expect([await entries(query, live), await entries(query)]).toMatchObject([
    [{ ...entry, livemode: true }],
    [{ ...entry, livemode: false }],
  ]);
});

it('a test clock that is moved, and a test space that is left, are written down and outlive it', async () => {
  expect((await client.post('/api/v1/test/clock', { advance_seconds: DAY_S })).status).toBe(200);
  expect((await client.post('/api/v1/test/reset', {})).status).toBe(200);
  const [reset] = await entries('operation=resetTestMode');
  const [travel] = await entries('operation=advanceTestClock');
  expect(travel).toMatchObject({
    ...{ actor: expect.stringMatching(/^key_/) as string, address: '127.0.0.1', livemode: false },
    before: { object: 'test_clock', ahead_seconds: 0, version: 0 },
    after: { object: 'test_clock', ahead_seconds: DAY_S, version: 1 },
  });
  expect(reset).toMatchObject({
    before: { object: 'test_clock', ahead_seconds: DAY_S, version: 1 },
    after: { object: 'test_reset', reset_at: expect.any(String) as string },
  });
});
