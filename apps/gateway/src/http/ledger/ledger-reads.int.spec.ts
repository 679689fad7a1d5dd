import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { newId } from '@payflow/contracts';
import { verifyInternalToken, type InternalClaims } from '@payflow/service';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Scope } from '../../domain/scope.js';
import { Client, countRows } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const SECRET = 's'.repeat(32);
let stage: Stage;
let client: Client;
let account: string;

/** What came to the ledger's read API, and what it answers. */
let ledger: Server;
let asked: { readonly url: string; readonly claims: InternalClaims | undefined; readonly question: string }[] = [];
let answering: { status: number; body: Record<string, unknown> };

beforeAll(async () => {
  ledger = createServer(async (request, response) => {
    const { url = '', headers } = request;
    const token = headers.authorization?.slice('Bearer '.length) ?? '';
    const question = await text(request);
    asked.push({ url: decodeURIComponent(url), claims: verifyInternalToken(SECRET, token, Date.now()), question });
    response.writeHead(answering.status, { 'content-type': 'application/json' }).end(JSON.stringify(answering.body));
  }).listen(0, '127.0.0.1');
  await once(ledger, 'listening');
  stage = await openStage({
    PAYFLOW_INTERNAL_SECRET: SECRET,
    PAYFLOW_INTERNAL_LEDGER_URL: `http://127.0.0.1:${(ledger.address() as AddressInfo).port}`,
  });
  ({ client } = stage);
  account = await client.open();
});
afterAll(async () => {
  await stage.close();
  ledger.closeAllConnections();
  ledger.close();
});
beforeEach(() => {
  asked = [];
  answering = { status: 200, body: { next: null } };
});

const of = (path: string) => `/api/v1/accounts/${account}${path}`;

it.each([
  [
    'a balance',
    () => of('/balance?as_of=2026-11-25T13:00:00%2B01:00&basis=effective'),
    () => of('/balance?as_of=2026-11-25T12:00:00.000Z&basis=effective'),
  ],
  ['a trial balance', () => '/api/v1/trial_balance', () => '/api/v1/trial_balance?'],
  ['an aggregate', () => '/api/v1/accounts/aggregate?path=users:42', () => '/api/v1/accounts/aggregate?path=users:42'],
  [
    'a statement',
    () => of('/statement?limit=7&from=2026-01-01T00:00:00Z'),
    () => of('/statement?from=2026-01-01T00:00:00.000Z&limit=7'),
  ],
  [
    'a history',
    () => of('/transfers?metadata[b]=2&type=fee&metadata[a]=1&created[lt]=2026-01-01T00:00:00Z'),
    () => of('/transfers?metadata={"a":"1","b":"2"}&type=fee&created[lt]=2026-01-01T00:00:00.000Z&limit=50'),
  ],
  ["an account's metadata", () => of('/metadata_versions?limit=7'), () => of('/metadata_versions?limit=7')],
  [
    "a transfer's metadata",
    () => '/api/v1/transfers/tr_01m7yg4jr5ezm9ym0cwhese7x1/metadata_versions',
    () => '/api/v1/transfers/tr_01m7yg4jr5ezm9ym0cwhese7x1/metadata_versions?limit=50',
  ],
])('forwards %s in the name of the caller', async (_what, path, forwarded) => {
  const { status } = await client.get(path());
  expect(status).toBe(200);
  expect(asked).toMatchObject([{ url: forwarded(), claims: { tenant: client.tenant, livemode: false } }]);
});

it('gives the answer as the ledger gave it', async () => {
  answering.body = { object: 'account_balance', balance: '-7' };
  expect((await client.get(of('/balance'))).text).toBe('{"object":"account_balance","balance":"-7"}');
});

it('turns the place of the next page into a cursor that is good for this list alone', async () => {
  answering.body = { lines: [], next: '1_2_3_4_5_6' };
  const { body } = await client.get(of('/statement?limit=2'));
  expect(body).toEqual({ lines: [], next_cursor: expect.stringMatching(/^[\w-]{40,}$/) as string });
  const cursor = String(body['next_cursor']);
  await client.get(of(`/statement?cursor=${cursor}&limit=3`));
  expect(asked.at(-1)?.url).toBe(of('/statement?after=1_2_3_4_5_6&limit=3'));
  expect(told(await client.get(of(`/statement?cursor=${cursor}&basis=effective`)))).toBe('400 cursor_mismatch');
  expect(told(await client.get(of(`/transfers?cursor=${cursor}`)))).toBe('400 cursor_mismatch');
  expect(told(await client.get(of('/statement?cursor=1_2_3_4_5_6')))).toBe('400 cursor_invalid');
  // One that an older ledger gave, and that this one does not know any more.
  answering = { status: 400, body: { code: 'invalid_parameter' } };
  expect(told(await client.get(of(`/statement?cursor=${cursor}`)))).toBe('400 cursor_invalid');
  expect(told(await client.get(of('/statement')))).toBe('502 bad_gateway');
});

it('gives a statement as CSV to who asks for it, and the way to its next page', async () => {
  answering.body = { asset: 'USD', opening_balance: '3', closing_balance: '4', lines: [], next: '1_2_3_4_5_6' };
  const first = await client.get(of('/statement?limit=2'), { accept: 'text/csv' });
  expect(first.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present');
  expect(first.text.split('\r\n').slice(1)).toEqual(['opening,USD,,,,3,,,,,,', '']);
  const next = /^<(.*)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  answering.body = { ...answering.body, next: null };
  const last = await client.get(next, { accept: 'text/csv, application/json;q=0.5' });
  expect(last.text.split('\r\n').slice(1)).toEqual(['closing,USD,,,,4,,,,,,', '']);
  expect(last.headers.get('link')).toBeNull();
  const json = await client.get(of('/statement'), { accept: '*/*' });
  expect(json.headers.get('content-type')).toBe('application/json; charset=utf-8');
});

describe('closed months', () => {
  const PERIODS = '/api/v1/periods';

  it('are forwarded, one with its figures, and all by pages', async () => {
    answering.body = { id: '2026-10', object: 'period' };
    expect((await client.get(`${PERIODS}/2026-10`)).body).toEqual(answering.body);
    answering.body = { data: [{ id: '2026-10' }], next: '2026-10' };
    const { body } = await client.get(`${PERIODS}?limit=1`);
    expect(body).toEqual({ data: [{ id: '2026-10' }], next_cursor: expect.stringMatching(/^[\w-]{40,}$/) as string });
    const cursor = String(body['next_cursor']);
    await client.get(`${PERIODS}?cursor=${cursor}`);
    const paths = ['/2026-10', '?limit=1', '?after=2026-10&limit=50'];
    expect(asked.map(({ url }) => url)).toEqual(paths.map((path) => PERIODS + path));
    const stranger = await Client.of(stage.db, stage.gateway.base);
    expect(told(await stranger.get(`${PERIODS}?cursor=${cursor}`))).toBe('400 cursor_mismatch');
    answering = { status: 404, body: {} };
    expect(told(await client.get(`${PERIODS}/2026-11`))).toBe('404 not_found');
  });

  it.each(['2026-13', '2026-00', '2026-1', '0000-01', '9999-01', '2026-10-01', 'october', '2026-10%0a'])(
    'are no %s',
    async (month) => {
      expect(told(await client.get(`${PERIODS}/${month}`))).toBe('400 invalid_parameter');
      expect(told(await client.post(`${PERIODS}/${month}/close`, {}))).toBe('400 invalid_parameter');
      expect(asked).toEqual([]);
    },
  );
});

it('gives a history as lines to who asks for them, and the way to its next page', async () => {
  const transfers = [{ id: newId('transfer') }, { id: newId('transfer') }];
  answering.body = { data: transfers, next: '1_2' };
  const first = await client.get(of('/transfers?limit=2'), { accept: 'application/x-ndjson' });
  expect(first.headers.get('content-type')).toBe('application/x-ndjson');
  expect(first.text).toBe(transfers.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const next = /^<(.*)>; rel="next"$/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  answering.body = { data: [], next: null };
  const last = await client.get(next, { accept: 'application/x-ndjson' });
  expect([last.status, last.text, last.headers.get('link')]).toEqual([200, '', null]);
  expect(asked.at(-1)?.url).toContain('after=1_2');
});

it.each([
  '/balance?as_of=2026-02-30T00:00:00Z',
  '/balance?as_of=%2B275761-01-01T00:00:00Z',
  '/balance?as_of=2026-01-01T00:00:00',
  '/balance?as_of=2026-01-01',
  '/balance?as_of=',
  '/balance?basis=booked',
  '/balance?basis=recorded&basis=recorded',
  '/balance?limit=5',
  '/balance?%63ursor=x',
  '/balance?at=2026-01-01T00:00:00Z',
  '/statement?as_of=2026-01-01T00:00:00Z',
  '/statement?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
  '/statement?limit=0',
  '/statement?limit=201',
  '/statement?after=1_2_3_4_5_6',
  '/transfers?group=grp_1',
  '/transfers?kind=refund',
  '/transfers?type=No',
  '/transfers?amount[gte]=-1',
  '/transfers?amount[gte]=1.5',
  '/transfers?amount[lte]=9223372036854775808',
  '/transfers?created[gt]=2026-01-01T00:00:00Z',
  '/metadata_versions?limit=0',
  '/metadata_versions?after=2',
])('refuses %s, and asks nobody', async (path) => {
  expect(told(await client.get(of(path)))).toBe('400 invalid_parameter');
  expect(asked).toEqual([]);
});

it.each(['', '?path=', '?path=a%20b', `?path=${'a'.repeat(256)}`, '?path=a&as_of=2026-01-01T00:00:00Z'])(
  'refuses an aggregate of %j',
  async (query) => {
    expect(told(await client.get(`/api/v1/accounts/aggregate${query}`))).toBe('400 invalid_parameter');
    expect(asked).toEqual([]);
  },
);

it('knows the accounts of the caller alone', async () => {
  const stranger = await Client.of(stage.db, stage.gateway.base);
  const live = await client.withKey(stage.db, ['accounts:read'], true);
  const blind = await client.withKey(stage.db, ['payments:read', 'transfers:read']);
  for (const path of ['/balance', '/statement', '/transfers', '/metadata_versions']) {
    expect(told(await stranger.get(of(path)))).toBe('404 not_found');
    expect(told(await live.get(of(path)))).toBe('404 not_found');
    expect(told(await blind.get(of(path)))).toBe('403 forbidden');
    expect(told(await client.get(`/api/v1/accounts/${newId('account')}${path}`))).toBe('404 not_found');
    expect(told(await client.get(`/api/v1/accounts/acct_1${path}`))).toBe('400 invalid_id');
  }
  expect(told(await blind.get('/api/v1/trial_balance'))).toBe('403 forbidden');
  expect(asked).toEqual([]);
});

it('says of an account that is not open yet that it is pending', async () => {
  stage.house.answering = false;
  const { body } = await client.post('/api/v1/accounts', { asset: 'USD' }, { prefer: 'wait=0' });
  expect(told(await client.get(`/api/v1/accounts/${String(body['id'])}/balance`))).toBe('409 account_pending');
  stage.house.answering = true;
});

it('answers 502 when the ledger fails', async () => {
  answering = { status: 500, body: {} };
  expect(told(await client.get(of('/balance'), { 'cache-control': 'no-cache' }))).toBe('502 bad_gateway');
});

describe('a proof', () => {
  const path = () => `/api/v1/transfers/${newId('transfer')}/proof`;

  it('is forwarded as the ledger gives it', async () => {
    answering = { status: 200, body: { format: 'payflow-inclusion-proof-v1' } };
    const url = path();
    expect(await client.get(url)).toMatchObject({ status: 200, body: answering.body });
    expect(asked).toMatchObject([{ url, claims: { tenant: client.tenant, livemode: false } }]);
  });

  it.each([
    [404, '404 not_found'],
    [409, '409 transfer_not_sealed'],
    [503, '503 unavailable'],
  ])('that the ledger answers with %i is %s', async (status, expected) => {
    answering = { status, body: {} };
    expect(told(await client.get(path()))).toBe(expected);
  });

  it('is asked for by a well-formed id alone', async () => {
    expect(told(await client.get('/api/v1/transfers/tr_x/proof'))).toBe('400 invalid_id');
    expect(told(await client.get(`${path()}?deep=1`))).toBe('400 invalid_parameter');
    expect(asked).toEqual([]);
  });
});

describe('a dry run', () => {
  const TRANSFERS = '/api/v1/transfers';
  let other: string;
  beforeAll(async () => {
    other = await client.open();
  });

  const leg = (more: Record<string, unknown> = {}) => ({
    debit_account: account,
    credit_account: other,
    amount: '100',
    asset: 'USD',
    ...more,
  });
  const tryOut = (body: object, headers: Record<string, string> = { 'idempotency-key': '' }) =>
    client.post(TRANSFERS, { dry_run: true, ...body }, headers);
  /** As if everything could be posted. */
  const agree = (failure: object | null = null, transfers: object[] = []) => {
    answering.body = { object: 'transfer_dry_run', outcome: 'x', failure, transfers, accounts: [] };
  };

  it('asks the ledger for what would come of the command, and leaves nothing', async () => {
    const before = await countRows(stage.db);
    const id = newId('transfer');
    agree(null, [leg({ id })]);
    const answer = await tryOut(leg({ id, up_to: true, metadata: { a: 'b' } }));
    expect([answer.status, answer.body['transfers']]).toEqual([200, [leg({ id })]]);
    const [{ url, claims, question } = { url: '', claims: undefined, question: '' }] = asked;
    expect([url, claims?.tenant]).toEqual(['/api/v1/transfers/dry_run', client.tenant]);
    const data = { legs: [leg({ id, up_to: true })], metadata: { a: 'b' } };
    expect(JSON.parse(question)).toMatchObject({ type: 'payflow.group.post.v1', data });
    expect(await countRows(stage.db)).toEqual(before);
    // The id is as free as it was.
    expect((await client.post(TRANSFERS, leg({ id }))).status).toBe(201);
    expect(told(await tryOut(leg({ id })))).toBe('422 id_reused');
  });

  it('tells which leg would be at fault of a group, and of a transfer none', async () => {
    const failure = { code: 'insufficient_funds', leg: 0 };
    agree(failure);
    expect((await tryOut({ legs: [leg()] })).body['failure']).toEqual(failure);
    expect((await tryOut(leg())).body['failure']).toEqual({ ...failure, leg: null });
  });

  it('tells no ids that it made up', async () => {
    agree(null, [leg({ id: newId('transfer') })]);
    expect((await tryOut(leg())).body['transfers']).toEqual([leg({ id: null })]);
  });

  it('tells what is in accounts to who may read them alone', async () => {
    const accounts = [
      { id: account, balance: '-100' },
      { id: other, balance: '100' },
    ];
    const seenBy = async (...scopes: Scope[]) => {
      agree();
      answering.body = { ...answering.body, accounts };
      const key = await client.withKey(stage.db, ['transfers:write', ...scopes]);
      const { status, body } = await key.post(TRANSFERS, { dry_run: true, ...leg() });
      return [status, body['accounts']];
    };
    expect(await seenBy()).toEqual([200, []]);
    expect(await seenBy('accounts:read')).toEqual([200, accounts]);
  });

  it.each<[string, () => object, string]>([
    ['a wrong amount', () => leg({ amount: '1.5' }), '400 invalid_request'],
    ['no money', () => leg({ amount: '0' }), '422 amount_not_positive'],
    ['an account that is not there', () => leg({ debit_account: newId('account') }), '422 account_not_found'],
    ['a member that is not there', () => leg({ dryrun: true }), '400 invalid_request'],
    ['a word for true', () => leg({ dry_run: 'true' }), '400 invalid_request'],
    ['a number for true', () => leg({ dry_run: 1 }), '400 invalid_request'],
    ['null', () => leg({ dry_run: null }), '400 invalid_request'],
    ['a leg with one of its own', () => ({ legs: [leg({ dry_run: true })] }), '400 invalid_request'],
  ])('is refused at the door as the transfer would be, with %s', async (_what, body, code) => {
    const before = await countRows(stage.db);
    expect(told(await tryOut(body(), {}))).toBe(code);
    expect(asked).toEqual([]);
    expect(await countRows(stage.db)).toEqual(before);
  });

  it('that is none is a transfer', async () => {
    expect((await client.post(TRANSFERS, leg({ dry_run: false }))).status).toBe(201);
    expect(asked).toEqual([]);
  });

  it('is no item of a bulk', async () => {
    const bulk = await client.post(`${TRANSFERS}/bulk`, { mode: 'independent', transfers: [leg({ dry_run: true })] });
    expect(bulk.body['counts']).toMatchObject({ invalid: 1 });
  });

  it('needs the scope, and a ledger', async () => {
    const reader = await client.withKey(stage.db, ['transfers:read']);
    expect(told(await reader.post(TRANSFERS, leg({ dry_run: true })))).toBe('403 forbidden');
    answering = { status: 500, body: {} };
    expect(told(await tryOut(leg()))).toBe('502 bad_gateway');
  });
});

describe("a payment's own transfer", () => {
  const CORRECTIONS = { corrects: null, corrected_by: null };
  const pay = async (source: string, destination: string) =>
    (await client.post('/api/v1/payments', { source, destination, amount: '5', asset: 'USD' })).body;
  const pathOf = ({ id }: { readonly id: string }) => `/api/v1/transfers/${id.replace('pay_', 'tr_')}`;

  it('is read where the ledger has it, in the shape of all transfers', async () => {
    const bob = await client.open();
    const payment = (await pay(account, bob)) as { id: string; trace_id: string };
    const accounts = { debit_account: account, credit_account: bob };
    const times = { effective_at: '2026-01-01T00:00:00.000Z', recorded_at: '2026-01-01T00:00:00.000Z' };
    const facts = { id: pathOf(payment).split('/').at(-1), ...accounts, amount: '5', asset: 'USD', ...times };
    const links = { payment: payment.id, group: null, hold: null, reverses: null, reversed: '2', ...CORRECTIONS };
    answering = { status: 200, body: { ...facts, ...links, version: 2 } };
    const own = (await client.post('/api/v1/transfers', { ...accounts, amount: '1', asset: 'USD' })).body;
    const { status, body, headers } = await client.get(pathOf(payment));
    expect([status, headers.get('etag')]).toEqual([200, 'W/"2"']);
    expect(body).toMatchObject({ ...facts, ...links, metadata: {}, trace_id: payment.trace_id, failure: null });
    expect(Object.keys(body)).toEqual(Object.keys(own));
    expect(asked).toMatchObject([{ url: pathOf(payment), claims: { tenant: client.tenant, livemode: false } }]);
    const stranger = await Client.of(stage.db, stage.gateway.base);
    expect(told(await stranger.get(pathOf(payment)))).toBe('404 not_found');
    answering = { status: 500, body: {} };
    expect(told(await client.get(pathOf(payment), { 'cache-control': 'no-cache' }))).toBe('502 bad_gateway');
  });

  it('is not asked for where there is no such payment, or it failed', async () => {
    const pauper = await client.open();
    stage.house.empty.add(pauper);
    const failed = (await pay(pauper, account))['payment'] as { id: string };
    expect(told(await client.get(pathOf(failed)))).toBe('404 not_found');
    expect(told(await client.get(`/api/v1/transfers/${newId('transfer')}`))).toBe('404 not_found');
    expect(asked).toEqual([]);
  });
});

it('says of the metadata of a transfer that the ledger does not know that there is none', async () => {
  const path = `/api/v1/transfers/${newId('transfer')}/metadata_versions`;
  answering = { status: 404, body: {} };
  expect(told(await client.get(path))).toBe('404 not_found');
  answering = { status: 200, body: { data: [], next: '5' } };
  const cursor = (await client.get(path)).body['next_cursor'] as string;
  asked = [];
  const blind = await client.withKey(stage.db, ['accounts:read']);
  expect(told(await blind.get(path))).toBe('403 forbidden');
  expect(told(await client.get('/api/v1/transfers/tr_x/metadata_versions'))).toBe('400 invalid_id');
  expect(told(await client.get(`${path}?deep=1`))).toBe('400 invalid_parameter');
  expect(told(await client.get(of(`/metadata_versions?cursor=${cursor}`)))).toBe('400 cursor_mismatch');
  expect(asked).toEqual([]);
  await client.get(`${path}?cursor=${cursor}`);
  expect(asked[0]?.url).toBe(`${path}?after=5&limit=50`);
});
