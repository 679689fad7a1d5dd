import { uuidOf } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { Client as Postgres } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newToken } from '../../identity/tokens.js';
import { Client } from '../../testing/gateway-under-test.js';
import { logIn, PASSWORD, userOf } from '../../testing/people.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const ME = '/api/v1/auth/me';
const WAITING = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

let stage: Stage;
let refresh: Postgres;
let brake: Postgres;

beforeAll(async () => {
  stage = await openStage();
  [refresh, brake] = [0, 1].map(() => new Postgres({ connectionString: stage.adminUrl })) as [Postgres, Postgres];
  await Promise.all([refresh.connect(), brake.connect()]);
});
afterAll(async () => {
  await Promise.all([refresh?.end(), brake?.end()]);
  await stage?.close();
});

const waiting = () => until('it waits', async () => ((await brake.query(WAITING)).rowCount ?? 0) > 0);

it('a password that is changed during a refresh of another session ends that with the token it was given, and used', async () => {
  const { client } = stage;
  const user = await userOf(stage.db, client, 'viewer');
  const other = uuidOf('session', (await logIn(client.base, user.email)).body['session'] as string);
  const { token, hash } = newToken('at');
  await refresh.query('begin');
  await refresh.query('select from sessions where id = $1 for update', [other]);
  const body = { current_password: PASSWORD, password: 'another horse battery' };
  const changed = user.client.post('/api/v1/auth/password', body);
  await waiting();
  // What comes last of the change is held up: the token is given, and known to the gateway, before the session has ended.
  await brake.query('begin');
  await brake.query('lock table audit_log in share row exclusive mode');
  const given = `insert into session_tokens (hash, tenant_id, session_id, kind, expires_at)
    select $1, tenant_id, id, 'access', now() + interval '15 minutes' from sessions where id = $2`;
  await refresh.query(given, [hash, other]);
  await refresh.query('commit');
  await waiting();
  const thief = Client.with(client.tenant, token, client.base);
  expect(told(await thief.get(ME))).toBe('200');
  await brake.query('commit');
  expect((await changed).status).toBe(204);
  expect(told(await thief.get(ME))).toBe('401 unauthenticated');
});
