import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { countRows } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const ACCOUNTS = '/api/v1/accounts';
const HELD_OFF = { prefer: 'wait=0' };
let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());
afterEach(() => {
  stage.house.answering = true;
});

const update = (id: string, body: object, headers: Record<string, string> = {}) =>
  stage.client.patch(`${ACCOUNTS}/${id}`, body, headers);
const read = async (id: string) => (await stage.client.get(`${ACCOUNTS}/${id}`)).body;
const move = (debit_account: string, credit_account: string, amount: string) =>
  stage.client.post('/api/v1/transfers', { debit_account, credit_account, amount, asset: 'USD' });

describe('an account', () => {
  it('is a liability without an overdraft unless it is said to be something else', async () => {
    expect(await read(await stage.client.open())).toMatchObject({
      kind: 'liability',
      overdraft: 'none',
      overdraft_limit: '0',
    });
    const id = await stage.client.open('USD', { kind: 'income', overdraft: 'limited', overdraft_limit: '500' });
    expect(await read(id)).toMatchObject({
      status: 'open',
      kind: 'income',
      overdraft: 'limited',
      overdraft_limit: '500',
    });
  });

  it.each([
    ['asset', '100', '93'],
    ['expense', '100', '93'],
    ['liability', '-100', '-105'],
    ['equity', '-100', '-105'],
    ['income', '-100', '-105'],
  ])('of kind %s has its balance on its own side', async (kind, balance, available) => {
    const [id, other] = [await stage.client.open('USD', { kind }), await stage.client.open()];
    await move(id, other, '100');
    const hold = { amount: '7', asset: 'USD', debit_account: other, credit_account: id };
    await stage.client.post('/api/v1/holds', hold);
    await stage.client.post('/api/v1/holds', { ...hold, amount: '5', debit_account: id, credit_account: other });
    expect(await read(id)).toMatchObject({
      balance,
      available,
      posted_debits: '100',
      pending_debits: '5',
      pending_credits: '7',
    });
  });
});

describe('an opening', () => {
  it('that was refused ends anew under a new key, though the ledger keeps its first answer', async () => {
    stage.house.answering = false;
    const id = newId('account');
    const openings = () => stage.house.commands.filter(({ data }) => data.id === id);
    const refuse = (reason: string, eventId: string) => {
      const cause = openings().at(-1) as { id: string; tenant: string; livemode: boolean };
      const verdict = { id, reason, recorded_at: new Date().toISOString() };
      return stage.house.publish('payflow.account.rejected.v1', verdict, { traceparent: undefined, ...cause }, eventId);
    };
    const first = newId('event');
    const once = stage.client.post(ACCOUNTS, { id, asset: 'USD' }, { prefer: 'wait=10' });
    await until('the command is out', () => openings().length === 1);
    await refuse('command_malformed', first);
    expect(told(await once)).toBe('409 account_refused');
    const again = stage.client.post(ACCOUNTS, { id, asset: 'USD' }, { prefer: 'wait=10' });
    await until('its command is out too', () => openings().length === 2);
    // Sent again, the first answer is known and passed over: the second command needs one of its own.
    await refuse('command_malformed', first);
    await refuse('id_reused', newId('event'));
    expect(told(await again)).toBe('422 id_reused');
    expect((await countRows(stage.db)).pending).toBe(0);
    expect(told(await stage.client.get(`${ACCOUNTS}/${id}`))).toBe('404 not_found');
  });
});

describe('a change', () => {
  it('has metadata of as many characters as the document says, which are not halves of them', async () => {
    const open = (length: number) =>
      stage.client.post('/api/v1/accounts', { asset: 'USD', metadata: { note: '😀'.repeat(length) } });
    expect((await open(500)).status).toBeLessThan(300);
    expect(told(await open(501))).toBe('400 invalid_request');
  });

  it('is answered 200 with the account, which shows it at once', async () => {
    const id = await stage.client.open('USD', { metadata: { a: '1' } });
    const { status, body } = await update(id, { state: 'frozen', metadata: { b: '2' } });
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, status: 'frozen', metadata: { b: '2' }, version: 2, overdraft: 'none' });
    expect(await read(id)).toEqual(body);
    const limited = await update(id, { state: 'open', overdraft: 'limited', overdraft_limit: '70' });
    expect(limited.body).toMatchObject({ status: 'open', overdraft: 'limited', overdraft_limit: '70', version: 3 });
    expect((await update(id, { overdraft: 'none' })).body).toMatchObject({ overdraft: 'none', overdraft_limit: '0' });
  });

  it('is only made of the version that If-Match names', async () => {
    const id = await stage.client.open();
    const etag = (await stage.client.get(`${ACCOUNTS}/${id}`)).headers.get('etag') as string;
    expect(told(await update(id, { state: 'frozen' }, { 'if-match': etag }))).toBe('200');
    const late = await update(id, { state: 'open' }, { 'if-match': etag });
    expect(told(late)).toBe('412 version_differs');
    expect(late.body['account']).toEqual(await read(id));
    expect((await read(id))['status']).toBe('frozen');
    expect(told(await update(id, { state: 'open' }, { 'if-match': '"2"' }))).toBe('200');
    expect(told(await update(id, { state: 'frozen' }, { 'if-match': '*' }))).toBe('200');
  });

  it('that the ledger refuses answers 409 and leaves the account as it is', async () => {
    const [id, other] = [await stage.client.open(), await stage.client.open()];
    await move(other, id, '5');
    const before = await read(id);
    const { status, body } = await update(id, { state: 'closed' });
    expect([status, body['code'], body['instance']]).toEqual([409, 'account_not_empty', `${ACCOUNTS}/${id}`]);
    expect(await read(id)).toEqual(before);
    await move(id, other, '5');
    expect((await update(id, { state: 'closed' })).body['status']).toBe('closed');
    expect(told(await update(id, { state: 'open' }))).toBe('409 account_closed');
  });

  it('is answered 202 with the account as it stands, and replayed byte for byte when it has ended', async () => {
    const id = await stage.client.open();
    const before = await read(id);
    const key = { 'idempotency-key': newId('event') };
    stage.house.answering = false;
    const early = await update(id, { state: 'frozen' }, { ...key, ...HELD_OFF });
    expect([early.status, early.body, early.headers.get('location')]).toEqual([202, before, `${ACCOUNTS}/${id}`]);
    stage.house.answering = true;
    const first = await update(id, { state: 'frozen' }, { ...key, prefer: 'wait=10' });
    expect([first.status, first.body['status']]).toEqual([200, 'frozen']);
    await update(id, { state: 'open' });
    const again = await update(id, { state: 'frozen' }, key);
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect((await read(id))['status']).toBe('open');
  });

  it('may be one of many at once', async () => {
    const id = await stage.client.open();
    const before = await countRows(stage.db);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => update(id, { metadata: { at: String(at) } }, { prefer: 'wait=10' })),
    );
    expect(answers.map(({ body }) => (body['metadata'] as { at: string }).at)).toEqual(
      Array.from({ length: 20 }, (_, at) => String(at)),
    );
    expect(new Set(answers.map(({ body }) => body['version'])).size).toBe(20);
    expect((await read(id))['version']).toBe(21);
    expect(await countRows(stage.db)).toEqual({
      ...before,
      keys: before.keys + 20,
      messages: before.messages + 20,
    });
  });

  it('waits for the account to be open', async () => {
    stage.house.answering = false;
    const id = newId('account');
    await stage.client.post(ACCOUNTS, { id, asset: 'USD' }, HELD_OFF);
    const before = await countRows(stage.db);
    expect(told(await update(id, { state: 'frozen' }))).toBe('409 account_pending');
    expect(await countRows(stage.db)).toEqual(before);
    stage.house.answering = true;
    await until('it is open', async () => (await read(id))['status'] === 'open');
    expect(told(await update(id, { state: 'frozen' }))).toBe('200');
  });
});

describe('an event', () => {
  it('about a change that comes after newer counters changes the terms, and no counter', async () => {
    const [id, other] = [await stage.client.open(), await stage.client.open()];
    const before = await read(id);
    await move(other, id, '5');
    await move(other, id, '5');
    const cause = { tenant: stage.client.tenant, livemode: false, traceparent: undefined };
    const snapshot = {
      id,
      asset: 'USD',
      kind: 'liability' as const,
      state: 'debits_frozen' as const,
      overdraft: 'none' as const,
      overdraft_limit: '0',
      posted_debits: '0',
      posted_credits: '5',
      pending_debits: '0',
      pending_credits: '0',
      version: 2,
      path: null,
      metadata: { late: 'yes' },
      created_at: before['created_at'] as string,
    };
    await stage.house.publish('payflow.account.updated.v1', snapshot, cause);
    await until('it is frozen', async () => (await read(id))['status'] === 'debits_frozen');
    expect(await read(id)).toMatchObject({ balance: '10', version: 3, metadata: { late: 'yes' } });
    await stage.house.publish(
      'payflow.account.updated.v1',
      { ...snapshot, state: 'open', metadata: {}, version: 1 },
      cause,
    );
    // Of the same record key, so that it is read after.
    await move(id, other, '5');
    expect(await read(id)).toMatchObject({ status: 'debits_frozen', balance: '5', metadata: { late: 'yes' } });
  });
});
