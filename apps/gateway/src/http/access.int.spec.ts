import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { uuidOf } from '@payflow/contracts';
import type { StatementExecution } from '@payflow/database';
import { verifyInternalToken } from '@payflow/service';
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimInstallation } from '../database/organisation.repository.js';
import { SCOPES, type Scope } from '../domain/scope.js';
import { executionsOf, withoutTenantFilters } from '../testing/executions.js';
import { Client, countRows } from '../testing/gateway-under-test.js';
import { oneOfEach, type OneOfEach } from '../testing/one-of-each.js';
import { openStage, type Stage } from '../testing/stage.js';
import type { Operation } from './openapi/operation.js';
import { OPERATIONS } from './openapi/operations.js';

const SECRET = 's'.repeat(32);
/** Those that a credential is for: what is signed or open to everybody has a spec of its own. */
const KEYED = OPERATIONS.filter(({ scope }) => scope === 'any' || (SCOPES as readonly string[]).includes(scope));
const WITH_ID = KEYED.filter(({ path }) => path.includes('{id}'));
const READS = KEYED.filter(({ method }) => method === 'get');
/** A thing's own path and what an owner is asked for is never more than the owner lets be seen. */
const OF_OWNERS = new Set(['getTransferProof', 'listTransferMetadata', 'getLimitUse']);
/** Users, and so their sessions, are of no mode. */
const OF_BOTH_MODES = new Set(['getUser', 'updateUser', 'inviteUser', 'revokeSession']);
/** Says of who asks, and of nobody else. */
const OF_ONESELF = new Set(['getMe', 'getTestClock']);
const NEVER_EMPTY = new Set(['listAssets', 'listApiKeys', 'listRequests']);
/** The caller's own, taken before anything is looked at, and given back with the refusal. */
const OWN_KEY = new Set(['idempotency.insert']);
/** Where an empty body says too little to be looked at. */
const BODIES: Readonly<Record<string, object>> = { updateUser: { name: 'x' }, updateApiKey: { name: 'x' } };
/** What finds out who asks, and who runs the installation: it must see those of all. */
const CREDENTIALS = /\b(api_keys|api_key_uses|tenants|sessions|users|memberships|installation)\b/;
const WALLED = /\b(?:from|join|into|update)\s+(\w+)/g;

/** Parameters that a read cannot do without. */
const NEEDED: Readonly<Record<string, string>> = {
  listAttempts: '?needs_attention=true',
  getAccountAggregate: '?path=users:*',
  search: '?q=order-7',
  listTransactions: '?path=users:7',
};

let owners: Server;
let stage: Stage;
let mine: OneOfEach;
let other: Client;
let admin: PgClient;
let walledTables: ReadonlySet<string>;

beforeAll(async () => {
  owners = await ownersThatKnow(() => stage.client.tenant);
  const url = `http://127.0.0.1:${(owners.address() as AddressInfo).port}`;
  stage = await openStage({
    PAYFLOW_INTERNAL_SECRET: SECRET,
    PAYFLOW_INTERNAL_LEDGER_URL: url,
    PAYFLOW_INTERNAL_PAYMENTS_URL: url,
    PAYFLOW_INTERNAL_MONITORING_URL: url,
  });
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

/** Owners of books, who show what they are asked for to its tenant and to nobody else. */
async function ownersThatKnow(tenant: () => string): Promise<Server> {
  const server = createServer((request, response) => {
    const token = (request.headers.authorization ?? '').slice('Bearer '.length);
    const isTheirs = verifyInternalToken(SECRET, token, Date.now())?.tenant === tenant();
    response.writeHead(isTheirs ? 200 : 404, { 'content-type': 'application/json' });
    request.resume().on('end', () => response.end(isTheirs ? '{"data":[],"next":null}' : '{"code":"not_found"}'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** The path of an operation with the ids of what the stage's client has. */
function pathOf({ id, path }: Operation): string {
  if (path.includes('{month}')) return path.replace('{month}', '2020-01');
  if (!path.includes('{')) return `${path}${NEEDED[id] ?? ''}`;
  const kind = path.slice('/api/v1'.length, path.indexOf('/{'));
  const known = mine[kind];
  if (!known) throw new Error(`${id}: there is no ${kind} in oneOfEach`);
  return path.replace('{id}', known);
}

async function ask(operation: Operation, key: string | undefined) {
  const { method } = operation;
  const answer = await stage.gateway.app.inject({
    method: method.toUpperCase() as 'GET',
    url: pathOf(operation),
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(method === 'get'
        ? { 'cache-control': 'no-cache' }
        : { 'idempotency-key': randomUUID(), prefer: 'wait=0', 'content-type': 'application/json' }),
      ...(method === 'patch' ? { 'if-match': '*' } : {}),
    },
    ...(method === 'get' ? {} : { payload: BODIES[operation.id] ?? {} }),
  });
  const body = (answer.body.startsWith('{') ? JSON.parse(answer.body) : {}) as Record<string, unknown>;
  return { status: answer.statusCode, code: body['code'], data: body['data'] as unknown[] | undefined };
}

const all = KEYED.map((operation) => [operation.id, operation] as const);
const reads = READS.map((operation) => [operation.id, operation] as const);
const withId = WITH_ID.map((operation) => [operation.id, operation] as const);
const isOfWalled = ({ text }: StatementExecution): boolean =>
  [...text.matchAll(WALLED)].some(([, table]) => walledTables.has(table as string)) && !CREDENTIALS.test(text);

describe('who may ask', () => {
  it.each(all)('%s: nobody without a credential, nor with one that is not known', async (_, operation) => {
    const before = await countRows(stage.db);
    expect(await ask(operation, undefined)).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(await ask(operation, `sk_test_${'x'.repeat(43)}`)).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(await countRows(stage.db)).toEqual(before);
  });

  it.each(all.filter(([, { scope }]) => scope !== 'any'))(
    '%s: nobody without its scope, all others or not',
    async (_, operation) => {
      const before = await countRows(stage.db);
      const without = SCOPES.filter((scope) => scope !== operation.scope);
      const { key } = await stage.client.withKey(stage.db, without);
      const [answer, executions] = await executionsOf(() => ask(operation, key));
      expect(answer).toMatchObject({ status: 403, code: 'forbidden' });
      expect(executions.filter(isOfWalled)).toEqual([]);
      expect(await countRows(stage.db)).toEqual(before);
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
    expect((await ask(operation, key)).status).toBeLessThan(300);
  });
});

describe('whose it is', () => {
  it.each(withId)('%s of another tenant: 404, and no row', async (_, operation) => {
    const before = await countRows(stage.db);
    const [answer, executions] = await executionsOf(() => ask(operation, other.key));
    expect(answer).toMatchObject({ status: 404, code: 'not_found' });
    const looked = executions.filter((one) => isOfWalled(one) && !OWN_KEY.has(one.name ?? ''));
    expect(looked.map(({ name, rows }) => [name, rows])).toEqual(looked.map(({ name }) => [name, 0]));
    expect(await countRows(stage.db)).toEqual(before);
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

  it('would show nearly all of it, were it not for row-level security', async () => {
    await walls('disable');
    try {
      expect(await shown()).toEqual(
        expect.arrayContaining([
          'listPayments',
          'getPayment',
          'getRefund',
          'getCapture',
          'listRefunds',
          'getAccount',
          'listTransfers',
          'getTransfer',
          'getTransferGroup',
          'getConversion',
          'listHolds',
          'getHold',
          'listAssets',
          'getTransactionType',
          'getLimit',
          'getRiskRule',
          'getReview',
          'getDispute',
          'getTransferBulk',
        ]),
      );
    } finally {
      await walls('enable');
    }
  });
});
