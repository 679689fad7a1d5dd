import { randomUUID } from 'node:crypto';
import { uuidOf } from '@payflow/contracts';
import type { StatementExecution } from '@payflow/database';
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimInstallation } from '../database/organisation.repository.js';
import { ROLE_SCOPES, ROLES, type Role } from '../domain/role.js';
import { SCOPES, type Scope } from '../domain/scope.js';
import { executionsOf, withoutTenantFilters } from '../testing/executions.js';
import { countAllRows } from '../testing/all-rows.js';
import { Client } from '../testing/gateway-under-test.js';
import { oneOfEach, type OneOfEach } from '../testing/one-of-each.js';
import { openOwners, type Owners } from '../testing/owners.js';
import { PASSWORD, userOf } from '../testing/people.js';
import { openStage, type Stage } from '../testing/stage.js';
import type { Operation } from './openapi/operation.js';
import { OPERATIONS } from './openapi/operations.js';

/** Those that a credential is for: what is signed or open to everybody has a spec of its own. */
const KEYED = OPERATIONS.filter(({ scope }) => scope === 'any' || (SCOPES as readonly string[]).includes(scope));
const WITH_ID = KEYED.filter(({ path }) => path.includes('{id}'));
const READS = KEYED.filter(({ method }) => method === 'get');
/** A thing's own path and what an owner is asked for is never more than the owner lets be seen. */
const OF_OWNERS = new Set(['getTransferProof', 'listTransferMetadata', 'getLimitUse']);
/** Users, and so their sessions, are of no mode. */
const OF_BOTH_MODES = new Set(['getUser', 'updateUser', 'inviteUser', 'revokeSession']);
/** Says of who asks, and of nobody else. */
const OF_ONESELF = new Set(['getMe', 'getTestClock', 'listSessions']);
const NEVER_EMPTY = new Set(['listAssets', 'listApiKeys']);
/** What would stay hidden without our walls, too: behind those of an owner; and where the whole key is asked for as one value. */
const STILL_HIDDEN = new Set([
  'getAsset',
  // Of a transfer an owner has no more than what is archived.
  ...READS.filter(({ id, problems }) => problems.includes('bad_gateway') && id !== 'getTransfer').map(({ id }) => id),
]);
/** The caller's own, taken before anything is looked at, and given back with the refusal. */
const OWN_KEY = new Set(['idempotency.insert']);
/** Where an empty body says too little to be looked at. */
const BODIES: Readonly<Record<string, object>> = { updateUser: { name: 'x' }, updateApiKey: { name: 'x' } };
/** What finds out who asks, which test space is his, and who runs the installation: it must see those of all. */
const LOOK_UPS = new Set(['session-tokens.find-access', 'test-spaces.find', 'installation.first', 'api-key-uses.add']);
const WALLED = /\b(?:from|join|into|update)\s+(\w+)/g;

/** Parameters that a read cannot do without, or without which it finds what everybody has. `{account}`: the client's. */
const NEEDED: Readonly<Record<string, string>> = {
  listAttempts: '?needs_attention=true',
  getAccountAggregate: '?path=users:*',
  search: '?q=wallets',
  listTransactions: '?account={account}',
  listRequests: '?status=201',
};

let owners: Owners;
let stage: Stage;
let mine: OneOfEach;
let other: Client;
let admin: PgClient;
let walledTables: ReadonlySet<string>;

beforeAll(async () => {
  owners = await openOwners(() => stage.client.tenant);
  // However short an answer is, it is compressed where it may be.
  stage = await openStage({ ...owners.env, PAYFLOW_COMPRESSION_BYTES_MIN: '1' });
  mine = await oneOfEach(stage);
  await stage.db.transaction((tx) => claimInstallation(tx, stage.client.tenant));
  other = await Client.of(stage.db, stage.gateway.base);
  admin = new PgClient({ connectionString: stage.adminUrl });
  await admin.connect();
  const { rows } = await admin.query<{ name: string }>(
    'select distinct polrelid::regclass::text as name from pg_policy',
  );
  walledTables = new Set(rows.map(({ name }) => name));
});
afterAll(async () => {
  await admin?.end();
  await stage?.close();
  owners?.close();
});

/** The path of an operation with the ids of what the stage's client has. */
function pathOf({ id, path }: Operation): string {
  if (path.includes('{month}')) return path.replace('{month}', '2020-01');
  if (!path.includes('{')) return `${path}${NEEDED[id] ?? ''}`.replace('{account}', mine['/accounts'] ?? '');
  const kind = path.slice('/api/v1'.length, path.indexOf('/{'));
  const known = mine[kind];
  if (!known) throw new Error(`${id}: there is no ${kind} in oneOfEach`);
  return path.replace('{id}', known);
}

async function ask(
  operation: Operation,
  key: string | undefined,
  { as = operation.method, isKeyed = true }: { readonly as?: string; readonly isKeyed?: boolean } = {},
) {
  const { method } = operation;
  const answer = await stage.gateway.app.inject({
    method: as.toUpperCase() as 'GET',
    url: pathOf(operation),
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(method === 'get'
        ? { 'cache-control': 'no-cache' }
        : { prefer: 'wait=0', 'content-type': 'application/json' }),
      ...(method === 'get' || !isKeyed ? {} : { 'idempotency-key': randomUUID() }),
      ...(method === 'patch' ? { 'if-match': '*' } : {}),
    },
    ...(method === 'get' ? {} : { payload: BODIES[operation.id] ?? {} }),
  });
  const body = (answer.body.startsWith('{') ? JSON.parse(answer.body) : {}) as Record<string, unknown>;
  const { statusCode: status, headers, body: text } = answer;
  return { status, headers, text, code: body['code'], data: body['data'] as unknown[] | undefined };
}

/** What a user of the role is answered who sends no Idempotency-Key. */
function expectedOf({ scope, method }: Operation, role: Role): string {
  if (scope !== 'any' && !ROLE_SCOPES[role].includes(scope as Scope)) return '403 forbidden';
  return method === 'get' ? 'done' : '400 idempotency_key_missing';
}

const all = KEYED.map((operation) => [operation.id, operation] as const);
const reads = READS.map((operation) => [operation.id, operation] as const);
const withId = WITH_ID.map((operation) => [operation.id, operation] as const);
const isOfWalled = ({ name, text }: StatementExecution): boolean =>
  [...text.matchAll(WALLED)].some(([, table]) => walledTables.has(table as string)) && !LOOK_UPS.has(name ?? '');

describe('who may ask', () => {
  it.each(all)('%s: nobody without a credential, nor with one that is not known', async (_, operation) => {
    const before = await countAllRows(stage.db);
    expect(await ask(operation, undefined)).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(await ask(operation, `sk_test_${'x'.repeat(43)}`)).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(await countAllRows(stage.db)).toEqual(before);
  });

  it.each(all.filter(([, { scope }]) => scope !== 'any'))(
    '%s: nobody without its scope, all others or not',
    async (_, operation) => {
      const without = SCOPES.filter((scope) => scope !== operation.scope);
      const { key } = await stage.client.withKey(stage.db, without);
      const before = await countAllRows(stage.db);
      const [answer, executions] = await executionsOf(() => ask(operation, key));
      expect(answer).toMatchObject({ status: 403, code: 'forbidden' });
      expect(executions.filter(isOfWalled)).toEqual([]);
      expect(await countAllRows(stage.db)).toEqual(before);
    },
  );

  it.each(reads.filter(([, { scope }]) => scope === 'monitoring:read'))(
    '%s: nobody but who runs the installation, whatever he may do among his own',
    async (_, operation) => {
      expect(await ask(operation, other.key)).toMatchObject({ status: 403, code: 'forbidden' });
      expect((await ask(operation, stage.client.key)).status).toBe(200);
    },
  );

  it.each(reads)('%s: who has its scope alone', async (_, operation) => {
    const scopes: readonly Scope[] = operation.scope === 'any' ? [] : [operation.scope as Scope];
    const { key } = await stage.client.withKey(stage.db, scopes);
    const [answer, head] = [await ask(operation, key), await ask(operation, key, { as: 'head' })];
    expect(answer.status).toBeLessThan(300);
    // Whoever reads it, HEAD tells of it what GET does.
    expect([head.status, head.text]).toEqual([answer.status, '']);
    for (const name of ['content-type', 'etag', 'cache-control', 'vary'])
      expect([name, head.headers[name]]).toEqual([name, answer.headers[name]]);
  });

  // Without an Idempotency-Key nothing is done, whoever may: so each is asked of one thing after the other.
  it.each(ROLES)('%s: what its scopes are for, and nothing else', async (role) => {
    const user = await userOf(stage.db, stage.client, role);
    const answered: [string, string][] = [];
    for (const operation of KEYED) {
      const { status, code } = await ask(operation, user.client.key, { isKeyed: false });
      answered.push([operation.id, status < 300 ? 'done' : `${status} ${String(code)}`]);
    }
    expect(answered).toEqual(KEYED.map((operation) => [operation.id, expectedOf(operation, role)]));
  });
});

describe('whose it is', () => {
  it.each(withId)('%s of another tenant: 404, and no row', async (_, operation) => {
    const before = await countAllRows(stage.db);
    const [answer, executions] = await executionsOf(() => ask(operation, other.key));
    expect(answer).toMatchObject({ status: 404, code: 'not_found' });
    const looked = executions.filter((one) => isOfWalled(one) && !OWN_KEY.has(one.name ?? ''));
    expect(looked.map(({ name, rows }) => [name, rows])).toEqual(looked.map(({ name }) => [name, 0]));
    expect(await countAllRows(stage.db)).toEqual(before);
  });

  it.each(withId)('%s of the same tenant in the other mode: 404', async (_, operation) => {
    if (OF_BOTH_MODES.has(operation.id)) return;
    const live = await stage.client.withKey(stage.db, SCOPES, true);
    if (!OF_OWNERS.has(operation.id)) expect((await ask(operation, live.key)).status).toBe(404);
  });

  it.each(reads)(
    '%s reads on a connection that speaks for the caller’s tenant, and for no other',
    async (_, operation) => {
      const [answer, executions] = await executionsOf(() => ask(operation, stage.client.key));
      expect(answer.status).toBeLessThan(300);
      const tenant = uuidOf('tenant', stage.client.tenant);
      for (const execution of executions.filter(isOfWalled))
        expect([execution.name, execution.tenant]).toEqual([execution.name, tenant]);
    },
  );
});

describe('a secret in an answer', () => {
  const compressed = { 'accept-encoding': 'gzip, br, zstd', 'content-type': 'application/json' };
  const bearer = (key: string) => ({ authorization: `Bearer ${key}`, 'idempotency-key': randomUUID() });
  const inject = async (method: 'GET' | 'POST', url: string, headers: Record<string, string>, payload?: object) => {
    const answer = await stage.gateway.app.inject({
      ...{ method, url: `/api/v1${url}`, headers: { ...compressed, ...headers } },
      ...(payload ? { payload } : {}),
    });
    return { status: answer.statusCode, coding: answer.headers['content-encoding'] };
  };

  it('is never compressed beside what somebody else has sent (BREACH), and a list is', async () => {
    const { email, refreshToken } = await userOf(stage.db, stage.client, 'viewer');
    const live = await stage.client.withKey(stage.db, SCOPES, true);
    const key = bearer(stage.client.key);
    const made = { name: 'n'.repeat(100), scopes: ['payments:read'] };
    const user = { email: `${randomUUID()}@example.com`, role: 'viewer' };
    const login = { email, password: PASSWORD };
    expect(await inject('GET', '/keys', key)).toEqual({ status: 200, coding: 'zstd' });
    expect(await inject('POST', '/auth/login', {}, login)).toEqual({ status: 200 });
    expect(await inject('POST', '/auth/refresh', {}, { refresh_token: refreshToken })).toEqual({ status: 200 });
    expect(await inject('POST', '/keys', key, made)).toEqual({ status: 201 });
    expect(
      await inject('POST', `/keys/${mine['/keys'] ?? ''}/rotate`, { ...bearer(stage.client.key), 'if-match': '*' }, {}),
    ).toEqual({ status: 201 });
    expect(await inject('POST', '/users', bearer(live.key), user)).toEqual({ status: 201 });
  });
});

describe('a gateway whose statements have forgotten whose rows they ask for', () => {
  /** What it shows to the other tenant, as operations. */
  async function shown(): Promise<string[]> {
    const leaks: string[] = [];
    for (const operation of READS) {
      if (OF_ONESELF.has(operation.id)) continue;
      const { status, data } = await withoutTenantFilters(() => ask(operation, other.key));
      // A mutant that cannot be carried out would look like a wall that holds.
      expect(status, operation.id).not.toBe(500);
      // Lists that are never empty have what everybody has, or the key that asks.
      const common = NEVER_EMPTY.has(operation.id) ? ((await ask(operation, other.key)).data?.length ?? 0) : 0;
      if (status < 300 && (data === undefined || data.length > common)) leaks.push(operation.id);
    }
    return leaks;
  }
  const walls = (verb: 'enable' | 'disable') =>
    admin.query([...walledTables].map((table) => `alter table ${table} ${verb} row level security`).join('; '));

  it('shows nothing of it to another: row-level security holds', async () => {
    expect(await shown()).toEqual([]);
  });

  it('would show all of it, were it not for row-level security', async () => {
    await walls('disable');
    try {
      const all = READS.map(({ id }) => id).filter((id) => !OF_ONESELF.has(id) && !STILL_HIDDEN.has(id));
      expect(await shown()).toEqual(all);
    } finally {
      await walls('enable');
    }
  });
});
