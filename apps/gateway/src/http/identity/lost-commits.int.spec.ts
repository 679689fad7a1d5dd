import { newId } from '@payflow/contracts';
import { TcpProxy, testServers, until } from '@payflow/testing';
import { Client as Postgres } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayCaches } from '../../cache/gateway-caches.js';
import { hashApiKey } from '../../database/api-key.repository.js';
import { SCOPES } from '../../domain/scope.js';
import { hashToken } from '../../identity/tokens.js';
import { Client, startGateway, type Answered } from '../../testing/gateway-under-test.js';
import { logIn, PASSWORD, userOf } from '../../testing/people.js';
import { metric } from '../../testing/narrow-gateway.js';
import { blockedKey } from '../../testing/blocked.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const KEYS = '/api/v1/keys';
const ME = '/api/v1/auth/me';
/** What is sent in one packet with the COMMIT of a write that ends at the gateway; then, how far the server is when it is lost. */
const LAST = 'own-writes.save-reply';
const [BEFORE, AFTER] = ['UPDATE 1', 'COMMIT'];

/** Messages that went out, of this process. */
const SENT = 'payflow_producer_messages_total{topic="gateway.events.v1"}';

const BRAKE = `
  create function spec_brake() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(77); return null; end $$;
  create constraint trigger spec_brake after update on api_keys deferrable initially deferred
    for each row execute function spec_brake()`;
const COMMITTING = `select pid from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`;
const SETTLING = `select from pg_stat_activity where datname = current_database() and wait_event = 'transactionid'`;

let stage: Stage;
let postgres: TcpProxy;
/** The stage's gateway is another process, whose way to the database is sound. */
let far: Awaited<ReturnType<typeof startGateway>>;
let admin: Postgres;

beforeAll(async () => {
  stage = await openStage();
  postgres = new TcpProxy(new URL(stage.databaseUrl));
  await postgres.open();
  far = await startGateway({ ...stage, databaseUrl: postgres.url, redisUrl: testServers().redis });
  admin = new Postgres({ connectionString: stage.adminUrl });
  await admin.connect();
  await admin.query(BRAKE);
});
afterAll(async () => {
  await admin?.end();
  await far?.stop();
  await postgres?.close();
  await stage?.close();
});

/** Has every process know whom the credential lets in, as it is now. */
const known = async ({ tenant, key }: Client): Promise<void> => {
  for (const { base } of [stage.gateway, far]) expect(told(await Client.with(tenant, key, base).get(ME))).toBe('200');
};
const asked = ({ tenant, key }: Client) =>
  Promise.all([stage.gateway, far].map(async ({ base }) => told(await Client.with(tenant, key, base).get(ME))));
const OUT = ['401 unauthenticated', '401 unauthenticated'];

async function madeKey(): Promise<{ readonly path: string; readonly user: Client }> {
  const { client } = stage;
  const { body } = await client.post(KEYS, { name: 'spec', scopes: ['payments:read'] });
  const user = Client.with(client.tenant, body['secret'] as string, client.base);
  await known(user);
  return { path: `${KEYS}/${body['id'] as string}`, user };
}

describe('a key whose revocation has lost its COMMIT', () => {
  it('lets nobody in once a copy is answered by another process, though the first knows nothing of it', async () => {
    const { path, user } = await madeKey();
    const key = { 'idempotency-key': newId('event') };
    Object.assign(postgres, { cutAfter: LAST, cutAt: AFTER, isLast: true });
    const lost = await stage.client.at(far.base).delete(path, key);
    await postgres.open();
    Object.assign(postgres, { isLast: false });
    expect(told(lost)).toMatch(/^503/);
    await until('it stands', async () => (await stage.client.get(path)).body['status'] === 'revoked');
    const again = await stage.client.delete(path, key);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true']);
    expect(await asked(user)).toEqual(OUT);
  });

  it.each([
    ['stands after all', (_pid: number) => Promise.resolve()],
    ['is rolled back', (pid: number) => admin.query('select pg_terminate_backend($1)', [pid])],
  ])('is waited for, and lets nobody in when the answer is there: it %s', async (_what, end) => {
    const { path, user } = await madeKey();
    await admin.query('select pg_advisory_lock(77)');
    Object.assign(postgres, { cutAfter: LAST, cutAt: BEFORE });
    const revoked = stage.client.at(far.base).delete(path);
    const pid = await until('COMMIT is under way', async () => {
      const { rows } = await admin.query<{ pid: number }>(COMMITTING);
      return rows[0]?.pid;
    });
    await until('it is waited for', async () => ((await admin.query(SETTLING)).rowCount ?? 0) > 0);
    await known(user);
    await end(pid);
    await admin.query('select pg_advisory_unlock(77)');
    const answer = await revoked;
    expect([told(answer), answer.body['status'], answer.headers.get('idempotency-replayed')]).toEqual([
      '200',
      'revoked',
      null,
    ]);
    expect(await asked(user)).toEqual(OUT);
  });
});

it('a secret is seen although the COMMIT that made it was lost', async () => {
  Object.assign(postgres, { cutAfter: LAST, cutAt: AFTER });
  const cuts = postgres.cuts;
  const made = await stage.client.at(far.base).post(KEYS, { name: 'spec', scopes: ['payments:read'] });
  expect([postgres.cuts - cuts, told(made)]).toEqual([1, '201']);
  expect(made.body['secret']).toMatch(/^sk_test_/);
});

it('a block that was lifted is told of once, by the outbox, although the COMMIT was lost', async () => {
  const unsent = async () =>
    (await admin.query<{ open: number }>(`select count(*)::integer as open from outbox where published_at is null`))
      .rows[0]?.open;
  const { body } = await stage.client.post(KEYS, { name: 'spec', scopes: ['payments:read'] });
  const owner = { tenant: stage.client.tenant, livemode: false };
  const block = await blockedKey(stage.db, owner, body['id'] as string);
  const before = await metric(SENT);
  Object.assign(postgres, { cutAfter: LAST, cutAt: AFTER });
  const cuts = postgres.cuts;
  const lifted = await stage.client.at(far.base).delete(`/api/v1/blocks/${block}`);
  expect([postgres.cuts - cuts, told(lifted), lifted.body['status']]).toEqual([1, '200', 'lifted']);

  await until('all of the outbox was sent', async () => (await unsent()) === 0);
  expect((await metric(SENT)) - before).toBe(1);
});

interface Ended {
  /** Whom it is to let in no more. */
  readonly user: Client;
  readonly ask: (key: Record<string, string>) => Promise<Answered>;
  readonly then?: readonly string[];
}

/** What whoever made it said to nobody: it died, or lost its COMMIT. */
const UNTOLD: Readonly<Record<string, () => Promise<Ended>>> = {
  'a key is revoked': async () => {
    const { path, user } = await madeKey();
    return { user, ask: (key) => stage.client.delete(path, key) };
  },
  'a key is rotated without overlap': async () => {
    const { path, user } = await madeKey();
    return { user, ask: (key) => stage.client.post(`${path}/rotate`, { overlap_seconds: 0 }, key) };
  },
  'a key is bound to addresses': async () => {
    const { path, user } = await madeKey();
    const ask = (key: Record<string, string>) => stage.client.patch(path, { allowed_addresses: ['192.0.2.1'] }, key);
    return { user, ask, then: ['403 address_not_allowed', '403 address_not_allowed'] };
  },
  'a session is ended': async () => {
    const { client: user, id } = await userOf(stage.db, stage.client, 'viewer');
    const { body } = await stage.client.get(`/api/v1/auth/sessions?user=${id}`);
    const session = (body['data'] as readonly { id: string }[])[0]?.id;
    const boss = await stage.client.withKey(stage.db, SCOPES, true);
    return { user, ask: (key) => boss.delete(`/api/v1/auth/sessions/${session}`, key) };
  },
  'a user is disabled': async () => {
    const { client: user, id } = await userOf(stage.db, stage.client, 'viewer');
    const boss = await stage.client.withKey(stage.db, SCOPES, true);
    return { user, ask: (key) => boss.patch(`/api/v1/users/${id}`, { disabled: true }, key) };
  },
  'a user has logged out': async () => {
    const { client: user } = await userOf(stage.db, stage.client, 'viewer');
    return { user, ask: (key) => user.send('POST', '/api/v1/auth/logout', undefined, key) };
  },
  'a password is changed': async () => {
    const { client: his, email } = await userOf(stage.db, stage.client, 'viewer');
    const { body } = await logIn(stage.client.base, email);
    const user = Client.with(his.tenant, body['access_token'] as string, his.base);
    const change = { current_password: PASSWORD, password: 'another horse battery' };
    return { user, ask: (key) => his.post('/api/v1/auth/password', change, key) };
  },
};

it.each(Object.entries(UNTOLD))(
  'where nobody was told that %s, a copy tells before it is answered',
  async (_what, make) => {
    const { user, ask, then = OUT } = await make();
    await known(user);
    const { apiKeys, accessTokens } = stage.gateway.app.get(GatewayCaches);
    const isKey = user.key.startsWith('sk_');
    const [keyHash, tokenHash] = [hashApiKey(user.key).toString('hex'), hashToken(user.key).toString('hex')];
    const before = { key: await apiKeys.get(keyHash), token: await accessTokens.get(tokenHash) };
    const key = { 'idempotency-key': newId('event') };
    expect((await ask(key)).status).toBeLessThan(300);
    // As it would be if they had not been told.
    if (isKey && before.key) apiKeys.put(keyHash, before.key);
    if (!isKey && before.token) accessTokens.put(tokenHash, before.token);
    expect(told(await user.get(ME))).toBe('200');
    const again = await ask(key);
    expect([again.status < 300, again.headers.get('idempotency-replayed')]).toEqual([true, 'true']);
    expect(await asked(user)).toEqual(then);
  },
);
