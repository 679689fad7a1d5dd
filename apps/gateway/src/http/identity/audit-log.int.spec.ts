import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES } from '../../domain/scope.js';
import { executionsOf } from '../../testing/executions.js';
import { Client } from '../../testing/gateway-under-test.js';
import { openDispute } from '../../testing/one-of-each.js';
import { addUser } from '../../testing/people.js';
import { LIMIT, openReviews, RULE } from '../../testing/policies.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const LOG = '/api/v1/audit_log';
const WAIT = { prefer: 'wait=10' };
/** Entries of one millisecond, as they were written once. */
const OF_OLD = statement(
  'spec.entries-of-old',
  `insert into audit_log (tenant_id, livemode, id, created_at, actor, actor_kind, operation, resource, before, after, address, request_id)
   select $1, false, gen_random_uuid(), date_trunc('milliseconds', now()) + nr * interval '100 microseconds', 'key', 'key',
     'defineLimit', 'of-old', 'null', json_build_object('nr', nr), '127.0.0.1', 'spec'
   from generate_series(1, 7) as nr`,
);

interface Entry {
  readonly [name: string]: unknown;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
}

/** Does what is written down, and tells what of it must be. */
type Asked = () => Promise<{ readonly id: string; readonly before: object | null; readonly after: object | null }>;

let stage: Stage;
let client: Client;
beforeAll(async () => {
  stage = await openStage();
  client = stage.client;
});
afterAll(() => stage?.close());

const entries = async (query = '', of = client): Promise<Entry[]> => {
  const { status, body, text } = await of.get(`${LOG}${query}`);
  if (status !== 200) throw new Error(text);
  return body['data'] as Entry[];
};

describe('what changes how an organisation works', () => {
  it('is written down with who, what, when, from where, and what it was before', async () => {
    const id = newId('limit');
    const first = await client.postUntilTaken('/api/v1/limits', { id, ...LIMIT }, { ...WAIT, 'request-id': 'first-7' });
    expect(first.status).toBe(201);
    const second = await client.postUntilTaken('/api/v1/limits', { id, ...LIMIT, amount: '5' }, WAIT);
    expect(second.status).toBe(201);
    const [changed, defined, ...others] = await entries(`?resource=${id}`);
    expect(others).toEqual([]);
    expect(defined).toMatchObject({
      object: 'audit_entry',
      id: expect.stringMatching(/^aud_/),
      livemode: false,
      actor: expect.stringMatching(/^key_/),
      actor_kind: 'key',
      operation: 'defineLimit',
      before: null,
      after: { amount: LIMIT.amount, asset: 'USD' },
      address: '127.0.0.1',
      request_id: 'first-7',
    });
    expect(changed).toMatchObject({ before: { amount: LIMIT.amount, version: 1 }, after: { amount: '5' } });
    expect(Date.parse(changed?.['created_at'] as string)).toBeGreaterThanOrEqual(
      Date.parse(defined?.['created_at'] as string),
    );
  });

  it('is written down of accounts, types and assets, with what their views had', async () => {
    const account = await client.open();
    expect(told(await client.patch(`/api/v1/accounts/${account}`, { state: 'frozen' }, WAIT))).toBe('200');
    expect((await entries(`?resource=${account}`))[0]).toMatchObject({
      operation: 'updateAccount',
      before: { status: 'open', metadata: {} },
      after: { state: 'frozen' },
    });
    const type = { id: 'audited', debit: [{ path: 'users:*' }] };
    await client.postUntilTaken('/api/v1/transaction_types', type, WAIT);
    await client.postUntilTaken('/api/v1/transaction_types', { ...type, debit: [{ path: 'shops:*' }] }, WAIT);
    expect((await entries('?resource=audited')).map(({ before }) => before?.['version'] ?? null)).toEqual([1, null]);
    await client.postUntilTaken('/api/v1/assets', { code: 'MILES', scale: 0, name: 'Miles' }, WAIT);
    expect((await entries('?operation=defineAsset'))[0]).toMatchObject({ resource: 'MILES', before: null });
  });

  it('is written down once, however often it is asked for', async () => {
    const id = newId('limit');
    const key = { ...WAIT, 'idempotency-key': 'once-for-all' };
    for (let time = 0; time < 3; time++) await client.postUntilTaken('/api/v1/limits', { id, ...LIMIT }, key);
    expect(await entries(`?resource=${id}`)).toHaveLength(1);
  });

  it('is not written down where it is refused at the door', async () => {
    const before = await entries();
    expect((await client.post('/api/v1/limits', { ...LIMIT, amount: 'much' })).status).toBe(400);
    expect(await entries()).toEqual(before);
  });
});

describe('with what was there before, and what is there since, of', () => {
  let live: Client;
  let reviews: string[];
  beforeAll(async () => {
    live = await Client.of(stage.db, stage.gateway.base, SCOPES, true);
    reviews = await openReviews(stage, 2);
  });
  const any = { ...WAIT, 'if-match': '*' };
  const newKey = async () =>
    (await client.post('/api/v1/keys', { name: 'old', scopes: ['payments:read'] })).body['id'] as string;
  const newUser = () => addUser(stage.db, live.tenant, 'viewer');
  const newRule = async () => (await client.postUntilTaken('/api/v1/risk_rules', RULE, WAIT)).body['id'] as string;

  it.each<[string, Asked]>([
    [
      'updateUser',
      async () => {
        const { id } = await newUser();
        await live.patch(`/api/v1/users/${id}`, { name: 'New', role: 'auditor' });
        return { id, before: { name: 'viewer', role: 'viewer', version: 1 }, after: { name: 'New', role: 'auditor' } };
      },
    ],
    [
      'inviteUser',
      async () => {
        const { id } = await newUser();
        await live.post(`/api/v1/users/${id}/invitation`, {}, any);
        return { id, before: { invitation_expires_at: null }, after: { id, invitation_token: null } };
      },
    ],
    [
      'updateApiKey',
      async () => {
        const id = await newKey();
        await client.patch(`/api/v1/keys/${id}`, { name: 'new', allowed_addresses: ['192.0.2.0/24'] });
        const before = { name: 'old', allowed_addresses: [], version: 1 };
        return { id, before, after: { name: 'new', allowed_addresses: ['192.0.2.0/24'], version: 2 } };
      },
    ],
    [
      'rotateApiKey',
      async () => {
        const old = await newKey();
        const { id } = (await client.post(`/api/v1/keys/${old}/rotate`, {}, any)).body as { readonly id: string };
        return { id, before: { id: old, version: 1 }, after: { id, replaces: old, secret: null } };
      },
    ],
    [
      'revokeApiKey',
      async () => {
        const id = await newKey();
        await client.delete(`/api/v1/keys/${id}`, any);
        return { id, before: { status: 'active', revoked_at: null }, after: { id, status: 'revoked' } };
      },
    ],
    [
      'defineRiskRule',
      async () => {
        const id = await newRule();
        await client.postUntilTaken('/api/v1/risk_rules', { ...RULE, id, priority: 11 }, WAIT);
        return { id, before: { priority: RULE.priority, version: 1 }, after: { priority: 11 } };
      },
    ],
    [
      'deleteRiskRule',
      async () => {
        const id = await newRule();
        await client.delete(`/api/v1/risk_rules/${id}`, WAIT);
        return { id, before: { id, priority: RULE.priority, version: 1 }, after: {} };
      },
    ],
    ...(['approve', 'deny'] as const).map((verdict, at): [string, Asked] => [
      `${verdict}Review`,
      async () => {
        const id = reviews[at] as string;
        await client.postUntilTaken(`/api/v1/reviews/${id}/${verdict}`, { reason: 'called back' }, WAIT);
        return { id, before: { id, status: 'open', version: 1 }, after: { reason: 'called back' } };
      },
    ]),
    [
      'closePeriod',
      async () => {
        await client.postUntilTaken('/api/v1/periods/2020-01/close', {}, WAIT);
        return { id: '2020-01', before: null, after: {} };
      },
    ],
    [
      'submitDisputeEvidence',
      async () => {
        const id = newId('payment');
        const dispute = await openDispute(stage, id, [newId('account'), newId('account')]);
        await client.post(`/api/v1/disputes/${dispute}/evidence`, { receipt: 'to Jane Doe' }, { prefer: 'wait=0' });
        // It is about a cardholder.
        return { id, before: null, after: null };
      },
    ],
  ])('%s', async (operation, ask) => {
    const { id, before, after } = await ask();
    const of = operation.endsWith('User') ? live : client;
    const [entry] = await entries(`?operation=${operation}&resource=${id}`, of);
    expect(entry).toMatchObject({ operation, resource: id, before, after });
    expect(JSON.stringify(entry)).not.toMatch(/sk_test_|inv_|Jane Doe/);
  });
});

it('costs the way of a payment nothing', async () => {
  const [source, destination] = [await client.open(), await client.open()];
  const payload = { source, destination, amount: '1', asset: 'USD', method: { type: 'internal' } };
  const [answer, executions] = await executionsOf(() =>
    stage.gateway.app.inject({
      method: 'POST',
      url: '/api/v1/payments',
      headers: { authorization: `Bearer ${client.key}`, 'idempotency-key': 'unaudited', prefer: 'wait=0' },
      payload,
    }),
  );
  expect([201, 202]).toContain(answer.statusCode);
  expect(executions.filter(({ text }) => text.includes('audit_log'))).toEqual([]);
});

describe('the list', () => {
  it('goes by cursor, newest first, and by filters', async () => {
    for (let time = 0; time < 4; time++) await client.postUntilTaken('/api/v1/limits', { ...LIMIT }, WAIT);
    const all = await entries('?operation=defineLimit&limit=200');
    const seen: unknown[] = [];
    for (let cursor: unknown = ''; cursor !== null;) {
      const after = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor as string)}`;
      const { body } = await client.get(`${LOG}?operation=defineLimit&limit=3${after}`);
      seen.push(...(body['data'] as Entry[]).map(({ id }) => id));
      cursor = body['next_cursor'];
    }
    expect(seen).toEqual(all.map(({ id }) => id));
    const [newest] = all;
    expect(
      await entries(`?actor=${newest?.['actor'] as string}&created[gte]=${newest?.['created_at'] as string}`),
    ).toEqual([newest]);
    expect(await entries(`?actor=${newId('user')}`)).toEqual([]);
  });

  it('has an entry at the instant that it shows', async () => {
    const id = newId('limit');
    await client.postUntilTaken('/api/v1/limits', { id, ...LIMIT }, WAIT);
    const [entry] = await entries(`?resource=${id}`);
    const at = entry?.['created_at'] as string;
    expect(await entries(`?resource=${id}&created[gte]=${at}&created[lte]=${at}`)).toEqual([entry]);
  });

  it('loses nothing of what was written down within a millisecond, when it was kept to the microsecond', async () => {
    await stage.db.count(OF_OLD, [uuidOf('tenant', client.tenant)]);
    const seen: unknown[] = [];
    for (let cursor: unknown = ''; cursor !== null;) {
      const after = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor as string)}`;
      const { body } = await client.get(`${LOG}?resource=of-old&limit=2${after}`);
      seen.push(...(body['data'] as Entry[]).map((entry) => entry.after?.['nr']));
      cursor = body['next_cursor'];
    }
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1]);
    for (const { created_at } of await entries('?resource=of-old')) expect(created_at).toMatch(/\.\d{3}Z$/);
  });

  it.each([
    ['actor=somebody', 400],
    ['operation=makeMoney', 400],
    ['resource=', 400],
    ['created[gte]=yesterday', 400],
    ['unknown=1', 400],
  ])('refuses %s', async (query, status) => {
    expect((await client.get(`${LOG}?${query}`)).status).toBe(status);
  });

  it('is for those with its scope, of one organisation and one mode', async () => {
    const without = await client.withKey(
      stage.db,
      SCOPES.filter((scope) => scope !== 'audit:read'),
    );
    expect(told(await without.get(LOG))).toBe('403 forbidden');
    expect(await entries('', await Client.of(stage.db, stage.gateway.base))).toEqual([]);
    expect(await entries('', await client.withKey(stage.db, ['audit:read'], true))).toEqual([]);
    expect((await entries('', await client.withKey(stage.db, ['audit:read']))).length).toBeGreaterThan(0);
  });
});

it('can be changed by nobody that the service is', async () => {
  await until('there is an entry', async () => (await entries()).length > 0);
  const attempts = [
    `update audit_log set actor = 'nobody'`,
    'delete from audit_log',
    'truncate audit_log',
    'drop table audit_log',
  ];
  for (const [at, text] of attempts.entries())
    await expect(stage.db.count(statement(`spec.tamper-${at}`, text))).rejects.toThrow(
      /permission denied|must be owner/,
    );
});
