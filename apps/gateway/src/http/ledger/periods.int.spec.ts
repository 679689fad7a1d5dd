import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client, countRows } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const WAIT = { prefer: 'wait=10' };
const close = (month: string) => `/api/v1/periods/${month}/close`;
let stage: Stage;
let client: Client;
beforeAll(async () => {
  stage = await openStage();
  client = stage.client;
});
afterAll(() => stage?.close());

it('closes a month, and says so again byte for byte', async () => {
  const key = { ...WAIT, 'idempotency-key': randomUUID() };
  const first = await client.post(close('2026-10'), {}, key);
  expect([first.status, first.body]).toEqual([
    200,
    {
      id: '2026-10',
      object: 'period',
      status: 'closing',
      ends_at: '2100-01-01T00:00:00.000Z',
      closing_at: '2100-01-01T00:00:00.000Z',
      closed_at: null,
      hash: null,
    },
  ]);
  const again = await client.post(close('2026-10'), {}, key);
  expect([again.text, again.headers.get('idempotency-replayed')]).toEqual([first.text, 'true']);
});

it('says where to look when the ledger takes its time', async () => {
  stage.house.answering = false;
  const key = { 'idempotency-key': randomUUID() };
  const { status, headers, body } = await client.post(close('2026-09'), {}, { ...key, prefer: 'wait=0' });
  expect([status, headers.get('location'), body['status']]).toEqual([202, '/api/v1/periods/2026-09', 'requested']);
  stage.house.answering = true;
  // Nothing is on its way any more when the next test counts rows.
  expect((await client.post(close('2026-09'), {}, { ...WAIT, ...key })).status).toBe(200);
});

it('tells why a month stays open', async () => {
  const { body, ...answer } = await client.post(close('2100-01'), {}, WAIT);
  expect(told({ ...answer, body })).toBe('409 period_not_over');
  expect(body['instance']).toBe(close('2100-01'));
});

it('closes a month as it was seen, and not what has changed since; a copy has the first answer', async () => {
  const seen = (tag: string, key = randomUUID() as string) =>
    client.post(close('2026-07'), {}, { ...WAIT, 'if-match': tag, 'idempotency-key': key });
  const key = randomUUID();
  expect(told(await seen('W/"1"'))).toBe('412 version_differs');
  const first = await seen('W/"0"', key);
  expect([first.status, first.body['status']]).toEqual([200, 'closing']);
  expect(told(await seen('W/"0"'))).toBe('412 version_differs');
  const again = await seen('W/"0"', key);
  expect([again.text, again.headers.get('idempotency-replayed')]).toEqual([first.text, 'true']);
  expect((await seen('W/"1"')).text).toBe(first.text);
  expect((await seen('*')).text).toBe(first.text);
});

it('refuses whoever may not, and what says anything', async () => {
  const before = await countRows(stage.db);
  const writer = await client.withKey(stage.db, ['accounts:read', 'accounts:write', 'transfers:write']);
  expect(told(await writer.post(close('2026-10'), {}))).toBe('403 forbidden');
  expect(told(await client.post(close('2026-10'), { force: true }))).toBe('400 invalid_request');
  for (const tag of ['1', '"x"', 'W/"0", W/"1"', '"-1"', ''])
    expect(told(await client.post(close('2026-10'), {}, { 'if-match': tag }))).toBe('400 invalid_header');
  expect(told(await client.post(`${close('2026-10')}?force=1`, {}))).toBe('400 invalid_parameter');
  expect(told(await client.post(close('2026-10'), {}, { 'idempotency-key': '' }))).toBe('400 idempotency_key_missing');
  expect(told(await client.send('GET', close('2026-10'), undefined, {}))).toBe('405 method_not_allowed');
  expect(await countRows(stage.db)).toEqual(before);
});
