import { newId } from '@payflow/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countRows, type Client } from '../../testing/gateway-under-test.js';
import { userOf } from '../../testing/people.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const KEYS = '/api/v1/keys';
const USERS = '/api/v1/users';

let stage: Stage;
let admin: Client;

beforeAll(async () => {
  stage = await openStage();
  admin = (await userOf(stage.db, stage.client, 'admin')).client;
});
afterAll(() => stage?.close());

const made = async (path: string, body: object) => `${path}/${(await admin.post(path, body)).body['id'] as string}`;
const key = () => made(KEYS, { name: 'spec', scopes: ['payments:read'] });
const user = () => made(USERS, { email: `${newId('user')}@example.com`, name: 'Ada', role: 'viewer' });

type Made = readonly [what: string, make: () => Promise<string>, method: string, under: string, done: number];
const CASES: readonly Made[] = [
  ['a rotation', key, 'POST', '/rotate', 201],
  ['the end of a key', key, 'DELETE', '', 200],
  ['an invitation', user, 'POST', '/invitation', 201],
];

const ask = (method: string, path: string, tag: string, more: Record<string, string> = {}) => {
  const headers = { 'if-match': tag, ...more };
  return method === 'DELETE' ? admin.delete(path, headers) : admin.post(path, {}, headers);
};
const tagOf = async (path: string) => (await admin.get(path)).headers.get('etag') as string;

describe.each(CASES)('%s', (_what, make, method, under, done) => {
  it('is done to what was seen, answered to the same key as then, and refused of what has changed since', async () => {
    const of = await make();
    const seen = await tagOf(of);
    const once = { 'idempotency-key': newId('event') };
    expect((await ask(method, of + under, 'W/"99"')).status).toBe(412);
    expect((await ask(method, of + under, seen, once)).status).toBe(done);
    const again = await ask(method, of + under, seen, once);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([done, 'true']);
    expect(await tagOf(of)).not.toBe(seen);
    expect(told(await ask(method, of + under, seen))).toBe('412 version_differs');
  });

  it('is refused with a tag that is none, and needs none', async () => {
    const of = await make();
    const before = await countRows(stage.db);
    for (const tag of ['1', '"x"', 'W/"1", W/"2"', '"-1"', ''])
      expect(told(await ask(method, of + under, tag))).toBe('400 invalid_header');
    expect(await countRows(stage.db)).toEqual(before);
    expect((await ask(method, of + under, '*')).status).toBe(done);
  });
});

it.each([
  ['DELETE', `/api/v1/auth/sessions/${newId('session')}`],
  ['DELETE', `/api/v1/blocks/${newId('block')}`],
  ['POST', '/api/v1/auth/password'],
  ['POST', '/api/v1/test/clock'],
  ['POST', '/api/v1/test/reset'],
  ['POST', '/api/v1/auth/logout'],
])('%s %s, of which no version is shown, takes no condition', async (method, path) => {
  expect(told(await ask(method, path, 'W/"1"'))).toBe('400 invalid_header');
});
