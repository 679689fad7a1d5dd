import { randomUUID } from 'node:crypto';
import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { LIMIT_VIEWS, RISK_RULE_VIEWS } from '../../database/policy-views.js';
import { Client, countRows, type Answered } from '../../testing/gateway-under-test.js';
import { LIMIT, openReviews, RULE } from '../../testing/policies.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const WAIT = { prefer: 'wait=10' };

let stage: Stage;
let client: Client;

beforeAll(async () => {
  stage = await openStage();
  client = stage.client;
});
afterAll(() => stage?.close());
afterEach(() => {
  vi.restoreAllMocks();
  stage.house.answering = true;
});

/** What a request ends with: on a busy machine it may take longer than it waits for, and a copy of it is told. */
const ended = (ask: (headers: Record<string, string>) => Promise<Answered>, headers: Record<string, string> = {}) => {
  const key = { 'idempotency-key': randomUUID(), ...WAIT, ...headers };
  return until('it has ended', async () => {
    const answer = await ask(key);
    return answer.status === 202 ? undefined : answer;
  });
};

describe.each([
  {
    what: 'a limit',
    kind: 'limit',
    path: '/api/v1/limits',
    terms: LIMIT,
    operation: 'deleteLimit',
    views: LIMIT_VIEWS,
  },
  {
    what: 'a risk rule',
    kind: 'riskRule',
    path: '/api/v1/risk_rules',
    terms: RULE,
    operation: 'deleteRiskRule',
    views: RISK_RULE_VIEWS,
  },
] as const)('$what', ({ kind, path: all, terms, operation, views }) => {
  const make = async () => {
    const made = await ended((headers) => client.post(all, terms, headers));
    return { made, id: made.body['id'] as string, path: `${all}/${made.body['id'] as string}` };
  };

  it('is deleted once, at the version that was seen, and is found no more', async () => {
    const { made, id, path } = await make();
    const remove = (more?: Record<string, string>) =>
      ended((headers) => client.send('DELETE', path, undefined, headers), more);
    expect(told(await remove({ 'if-match': 'W/"2"' }))).toBe('412 version_differs');
    expect(told(await remove({ 'if-match': 'now' }))).toBe('400 invalid_header');
    expect(told(await client.send('DELETE', path, undefined, { 'if-match': 'W/"1"' }))).toBe(
      '400 idempotency_key_missing',
    );
    expect(told(await remove({ 'idempotency-key': 'two words' }))).toBe('400 idempotency_key_malformed');
    const key = { 'if-match': 'W/"1"', 'idempotency-key': randomUUID() };
    const gone = await remove(key);
    const { deleted_at: deletedAt } = gone.body;
    expect([gone.status, gone.body]).toEqual([200, { ...made.body, version: 2, deleted_at: deletedAt }]);
    expect([made.body['deleted_at'], deletedAt]).toEqual([null, expect.any(String)]);
    const again = await remove(key);
    expect([again.status, again.text, again.headers.get('idempotency-replayed')]).toEqual([200, gone.text, 'true']);
    expect(told(await remove())).toBe('404 not_found');
    expect(told(await client.get(path))).toBe('404 not_found');
    const shown = (await client.get(all)).body['data'] as { id: string }[];
    expect(shown.map((one) => one.id)).not.toContain(id);
    expect((await client.get(`/api/v1/search?q=${id}`)).body['data']).toEqual([]);
    const audit = await client.get(`/api/v1/audit_log?operation=${operation}`);
    const asked = { resource: id, before: { id, version: 1 } };
    // Whatever became of it: also what was refused.
    expect(audit.body['data']).toMatchObject([
      { ...asked, after: { if_version: 1 } },
      { ...asked, after: { if_version: 2 } },
    ]);
  });

  it('goes on by versions where it is defined again', async () => {
    const { id, path } = await make();
    const gone = await ended((headers) => client.send('DELETE', path, undefined, headers));
    expect(gone.body).toMatchObject({ version: 2 });
    const next = await ended((headers) => client.post(all, { ...terms, id }, headers));
    expect([next.status, next.body]).toMatchObject([201, { id, version: 3, deleted_at: null }]);
    const one = await client.get(path);
    expect([one.text, one.headers.get('etag')]).toEqual([next.text, 'W/"3"']);
  });

  it('that is not deleted yet is told as it stands, to every copy', async () => {
    const { made, path } = await make();
    stage.house.answering = false;
    const key = { 'idempotency-key': randomUUID(), prefer: 'wait=0' };
    const [first, second] = [
      await client.send('DELETE', path, undefined, key),
      await client.send('DELETE', path, undefined, key),
    ];
    expect([first.status, first.text, second.text]).toEqual([202, made.text, made.text]);
    expect(first.headers.get('location')).toBe(path);
    expect((await client.get(path)).status).toBe(200);
    stage.house.answering = true;
    const gone = await ended((headers) => client.send('DELETE', path, undefined, headers), { ...key, ...WAIT });
    expect(gone.status).toBe(200);
  });

  it('that ends between two looks is answered as it stood, or as it ended', async () => {
    const { made, path } = await make();
    const key = { 'idempotency-key': randomUUID(), prefer: 'wait=0' };
    const find = views.find.bind(views);
    stage.house.answering = false;
    const looks = vi.spyOn(views as typeof LIMIT_VIEWS, 'find');
    looks.mockImplementationOnce(find as typeof LIMIT_VIEWS.find).mockResolvedValue(undefined);
    const first = await client.send('DELETE', path, undefined, key);
    expect([first.status, first.text]).toEqual([202, made.text]);
    looks.mockImplementation(async (db, of) => {
      stage.house.answering = true;
      await until('it is gone', async () => (await find(db, of)) === undefined);
      return undefined;
    });
    const second = await client.send('DELETE', path, undefined, key);
    expect([second.status, second.body]).toMatchObject([200, { version: 2 }]);
  });

  it('that its owner does not find is answered so: two deletions that met are one', async () => {
    const { path } = await make();
    stage.house.answering = false;
    const remove = (key: string, prefer: string) =>
      client.send('DELETE', path, undefined, { 'idempotency-key': key, prefer });
    const end = (key: string) => ended(() => remove(key, WAIT.prefer));
    const [first, second] = [randomUUID(), randomUUID()];
    expect((await remove(first, 'wait=0')).status).toBe(202);
    expect((await remove(second, 'wait=0')).status).toBe(202);
    stage.house.answering = true;
    expect((await end(first)).status).toBe(200);
    expect(told(await end(second))).toBe('404 not_found');
  });

  it('of others, and what is no id of such, is not deleted, and leaves nothing', async () => {
    const { id } = await make();
    const stranger = await Client.of(stage.db, stage.gateway.base);
    const reader = await client.withKey(stage.db, ['limits:read', 'payments:write']);
    const before = await countRows(stage.db);
    const headers = () => ({ 'idempotency-key': randomUUID(), 'content-type': 'application/json', ...WAIT });
    const refused = async (of: Client, of_id: string, body: object = {}) =>
      told(await of.send('DELETE', `${all}/${of_id}`, JSON.stringify(body), headers()));
    expect(await refused(stranger, id)).toBe('404 not_found');
    expect(await refused(client, newId(kind))).toBe('404 not_found');
    expect(await refused(client, newId('payment'))).toBe('400 invalid_id');
    expect(await refused(client, id, { amount: '1' })).toBe('400 invalid_request');
    expect(await refused(reader, id)).toBe('403 forbidden');
    expect(await countRows(stage.db)).toEqual(before);
  });
});

it('reviews that a rule has asked for are shown, and decided, when it is deleted', async () => {
  const made = await ended((headers) => client.post('/api/v1/risk_rules', RULE, headers));
  const [review = ''] = await openReviews(stage, 1);
  const path = `/api/v1/risk_rules/${made.body['id'] as string}`;
  expect((await ended((headers) => client.send('DELETE', path, undefined, headers))).status).toBe(200);
  expect((await client.get(`/api/v1/reviews/${review}`)).body).toMatchObject({ status: 'open' });
  const approve = `/api/v1/reviews/${review}/approve`;
  const approved = await ended((headers) => client.post(approve, { reason: 'known' }, headers));
  expect([approved.status, approved.body]).toMatchObject([200, { status: 'approved' }]);
});
