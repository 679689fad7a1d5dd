import { until } from '@payflow/testing';
import { statement } from '@payflow/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '../testing/gateway-under-test.js';
import { anAddress, from, openWatched, type Watched } from '../testing/watched.js';
import { RequestLog } from './request-log.js';

const LOG = '/api/v1/request_log';
const ANSWER_DEADLINE_MS = 60_000;
const ALL = statement('spec.request-log', `select string_agg(l::text, ' ') as text from request_log l`);
const PARTITIONS = statement(
  'spec.request-log-partitions',
  `select count(*)::integer as there, bool_and(p.kept = '30 days' and p.step = '1 day') as kept
   from pg_inherits join maintained_partitions p on inhparent = p.table_name::regclass where p.table_name = 'request_log'`,
);

let watched: Watched;
let client: Client;
beforeAll(async () => {
  watched = await openWatched();
  const { base } = await watched.start();
  client = await Client.of(watched.db, base);
});
afterAll(() => watched?.close());

type Row = Record<string, unknown>;
const rowsOf = async (query: string, of = client): Promise<Row[]> => {
  // The first list of a process on a busy machine may be told to come back: its connection is being opened.
  const answer = await until(
    'an answer',
    async () => {
      const given = await of.get(`${LOG}${query}`);
      return given.status !== 503 && given;
    },
    ANSWER_DEADLINE_MS,
  );
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body['data'] as Row[];
};
const logged = (query: string, many = 1) =>
  until(`${many} of ${query}`, async () => {
    const rows = await rowsOf(query);
    return rows.length >= many && rows;
  });

describe('the request log', () => {
  it('has who asked for what, from where, and how it ended', async () => {
    const address = anAddress();
    let tries = 0;
    const answered = async () => {
      const headers = { ...from(address), 'request-id': `spec-asked-${++tries}` };
      return (await client.get('/api/v1/payments?reference=secret-value&limit=1', headers)).status === 200;
    };
    await until('a list is answered', answered, ANSWER_DEADLINE_MS);
    const id = `spec-asked-${tries}`;
    await client.post(
      '/api/v1/payments',
      { amount: 'secret-body' },
      { ...from(address), 'request-id': 'spec-refused' },
    );
    const [asked] = await logged(`?request_id=${id}`);
    expect(asked).toMatchObject({
      ...{ object: 'request', method: 'GET', route: '/api/v1/payments', status: 200, code: null, address },
      ...{ request_id: id, request_bytes: null },
    });
    expect(asked?.['actor']).toMatch(/^key_/);
    expect(asked?.['trace_id']).toMatch(/^[0-9a-f]{32}$/);
    expect(asked?.['response_bytes']).toBe(JSON.stringify({ data: [], next_cursor: null }).length);
    expect(asked?.['duration_ms']).toBeGreaterThan(0);
    const [refused] = await logged('?request_id=spec-refused');
    expect(refused).toMatchObject({ method: 'POST', status: 400, code: 'invalid_request', request_bytes: 24 });
    const [{ text } = { text: '' }] = await watched.db.rows<{ text: string }>(ALL);
    expect(text).not.toMatch(/secret|sk_test/);
  });

  it('has no card number, though a request was called by one', async () => {
    const headers = (id: string) => ({ ...from(anAddress()), 'request-id': id });
    const refused = await client.get('/api/v1/assets', headers('order-4111111111111111'));
    expect(refused.body['code']).toBe('card_data_not_accepted');
    await client.get('/api/v1/assets', headers('spec-after-a-card'));
    await logged('?request_id=spec-after-a-card');
    const [{ text } = { text: '' }] = await watched.db.rows<{ text: string }>(ALL);
    expect([text.includes('card_data_not_accepted'), text.includes('4111111111111111')]).toEqual([true, false]);
  });

  it.each([
    ['status=404', '/api/v1/payments/pay_01m7yg4jr5ezm9ym0cwhese7x1'],
    ['status[gte]=400&status[lt]=500', '/api/v1/payments?nonsense=1'],
    ['route=/api/v1/holds', '/api/v1/holds'],
    ['method=GET&created[gte]=2020-01-01T00:00:00.000Z', '/api/v1/limits'],
  ])('is filtered by %s', async (query, path) => {
    const id = `spec-${query.replaceAll(/\W/g, '-')}`;
    await client.get(path, { 'request-id': id });
    const rows = await logged(`?${query}&request_id=${id}`);
    expect(rows).toHaveLength(1);
    expect(
      await rowsOf(
        `?${query.replace('404', '500').replace('400', '500').replace('holds', 'nothing').replace('GET', 'PUT')}`,
      ),
    ).toEqual([]);
  });

  it('goes on where a page ended', async () => {
    await Promise.all(Array.from({ length: 5 }, () => client.get('/api/v1/reviews')));
    const all = await logged('?route=/api/v1/reviews', 5);
    const { body } = await client.get(`${LOG}?route=/api/v1/reviews&limit=2`);
    const rest = await rowsOf(`?route=/api/v1/reviews&limit=200&cursor=${String(body['next_cursor'])}`);
    expect([...(body['data'] as Row[]), ...rest]).toEqual(all);
  });

  it.each([['status=99'], ['status[gte]=abc'], ['method=get'], ['route=payments'], ['actor=me'], ['nobody=1']])(
    'refuses %s',
    async (query) => {
      const { status, body } = await client.get(`${LOG}?${query}`);
      expect([status, body['code']]).toEqual([400, 'invalid_parameter']);
    },
  );

  it("shows nobody another's, nor what nobody is known to have asked", async () => {
    await client.get('/api/v1/payments', { authorization: '', 'request-id': 'spec-nobody' });
    await client.get('/api/v1/payments', { 'request-id': 'spec-mine' });
    await logged('?request_id=spec-mine');
    const other = await Client.of(watched.db, client.base);
    expect(await rowsOf('?request_id=spec-mine', other)).toEqual([]);
    expect(await rowsOf('?request_id=spec-nobody')).toEqual([]);
    const [{ text } = { text: '' }] = await watched.db.rows<{ text: string }>(ALL);
    expect(text).toContain('spec-nobody');
  });

  it('has who tried a key from where it must not be used: it may be in other hands', async () => {
    const made = await client.post('/api/v1/keys', {
      ...{ name: 'bound', scopes: ['payments:read'], allowed_addresses: ['192.0.2.0/24'] },
    });
    const address = anAddress();
    const thief = Client.with(client.tenant, String(made.body['secret']), client.base);
    const tried = await thief.get('/api/v1/payments', { ...from(address), 'request-id': 'spec-thief' });
    expect([tried.status, tried.body['code']]).toEqual([403, 'address_not_allowed']);
    expect(await logged('?request_id=spec-thief')).toMatchObject([
      { actor: made.body['id'], address, status: 403, code: 'address_not_allowed' },
    ]);
  });

  it('needs its scope', async () => {
    const without = await client.withKey(watched.db, ['payments:read']);
    expect((await without.get(LOG)).status).toBe(403);
  });

  it('has partitions of days, which go after 30', async () => {
    expect(await watched.db.rows(PARTITIONS)).toEqual([{ there: 6, kept: true }]);
  });
});

it('takes the address from nobody who is not believed', async () => {
  const { base } = await watched.start({ TRUSTED_PROXIES: '192.0.2.1' });
  const direct = Object.assign(Object.create(client) as Client, { base });
  await direct.get('/api/v1/payments', {
    ...from(anAddress()),
    forwarded: 'for=198.51.100.1',
    'request-id': 'spec-spoofed',
  });
  expect(await logged('?request_id=spec-spoofed')).toMatchObject([{ address: '127.0.0.1' }]);
});

it('loses rather than waits: what the database does not take is dropped beyond a bound, and nothing rejects', async () => {
  const broken = { count: () => Promise.reject(new Error('away')) };
  const log = new RequestLog(broken as never);
  const request = { method: 'GET', routeOptions: {}, headers: {}, id: 'x' };
  const reply = { elapsedTime: 1, raw: {}, getHeader: () => undefined };
  for (let at = 0; at < 10_050; at++) log.note(request as never, reply as never, '192.0.2.1');
  await expect(log.flush()).resolves.toBeUndefined();
});
