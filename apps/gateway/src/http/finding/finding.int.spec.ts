import { randomUUID } from 'node:crypto';
import { fromUuid, newId, uuidOf, type IdKind } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { statementsOf } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FINDABLE, type FindableType } from '../../domain/found.js';
import { keepBooks, type Books } from '../../testing/books.js';
import { Client } from '../../testing/gateway-under-test.js';
import { oneOfEach, type OneOfEach } from '../../testing/one-of-each.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const API = '/api/v1';
let stage: Stage;
let books: Books;
let payment: string;
let failed: string;
let refund: string;
let hold: string;
let key: string;
let bob: string;

const OPERATION_OF = statement(
  'spec.operation-of',
  'select id from payment_operation_views where payment_id = $1 and kind = $2',
);

const made = async (path: string, body: object, headers: Record<string, string> = {}): Promise<string> => {
  const answer = await stage.client.postUntilTaken(`${API}${path}`, body, { prefer: 'wait=10', ...headers });
  if (answer.status === 402) return (answer.body['payment'] as { id: string }).id;
  expect([answer.status, answer.text]).toEqual([201, answer.text]);
  return answer.body['id'] as string;
};

beforeAll(async () => {
  stage = await openStage();
  const { client } = stage;
  books = await keepBooks(client);
  bob = await client.open('USD', { path: 'users:bob' });
  key = `key-${randomUUID()}`;
  const paid = { source: books.alice, destination: bob, amount: '1999', asset: 'USD' };
  payment = await made('/payments', { ...paid, reference: 'order-7' }, { 'idempotency-key': key });
  refund = await made(`/payments/${payment}/refunds`, { amount: '500', reason: 'broken' });
  const empty = await client.open('USD', { path: 'users:bob:empty' });
  stage.house.empty.add(empty);
  failed = await made('/payments', { ...paid, source: empty, reference: 'order-7' });
  hold = await made('/holds', { debit_account: books.alice, credit_account: bob, amount: '10', asset: 'USD' });
});
afterAll(() => stage?.close());

type Entry = Record<string, unknown>;
const data = async (path: string, of: Client = stage.client): Promise<Entry[]> => {
  const { status, body, text } = await of.get(`${API}${path}`);
  expect([status, text]).toEqual([200, text]);
  return body['data'] as Entry[];
};

describe('a search', () => {
  const found = (q: string, of?: Client) => data(`/search?q=${encodeURIComponent(q)}`, of);

  it('finds a thing by its id, whatever it is, and says where it is read', async () => {
    const ids = { payment, refund, hold, account: bob, transfer: books.transfer, transfer_group: books.group };
    for (const [type, id] of Object.entries(ids)) {
      const [first, ...others] = await found(id);
      expect([first, others]).toMatchObject([{ matched: 'id', type, id }, []]);
      expect((await stage.client.get(first?.['url'] as string)).body['id']).toBe(id);
    }
  });

  it('finds by reference, by path, and by idempotency key, and how that was answered', async () => {
    expect(await found('order-7')).toMatchObject([
      { matched: 'reference', type: 'payment', id: failed, status: 'failed' },
      { matched: 'reference', type: 'payment', id: payment, status: 'succeeded', amount: '1999', asset: 'USD' },
    ]);
    expect(await found('users:bob')).toMatchObject([{ matched: 'path', type: 'account', id: bob }]);
    expect(await found(key)).toMatchObject([
      { matched: 'idempotency_key', type: 'payment', id: payment, reply_status: 201 },
    ]);
  });

  describe('of one of everything', () => {
    let mine: OneOfEach;
    /** Nobody else's: what moves here is told in no history below. */
    let [source, destination] = ['', ''];
    beforeAll(async () => {
      mine = await oneOfEach(stage);
      [source, destination] = [await stage.client.open(), await stage.client.open()];
    });
    const sum = { amount: '10', asset: 'USD' };
    const paymentOf = () => ({ source, destination, ...sum });
    const bulkOf = () => ({
      mode: 'independent',
      transfers: [{ debit_account: source, credit_account: destination, ...sum }],
    });
    /** The key of what is asked next. */
    const keyed = { prefer: 'wait=10', 'idempotency-key': '' };
    const shownAlone = Object.entries(FINDABLE).flatMap(([type, { ids, path }]: [string, FindableType]) =>
      ids && path?.endsWith('/:id') ? [[type, path.slice(0, -'/:id'.length)] as const] : [],
    );

    it.each(shownAlone)('finds a %s by its id, and says that it is read at %s', async (type, path) => {
      const id = mine[path] ?? '';
      expect(await found(id)).toMatchObject([{ matched: 'id', type, id, url: `${API}${path}/${id}` }]);
      expect((await stage.client.get(`${API}${path}/${id}`)).body).toMatchObject({ id });
    });

    it.each([
      ['confirmation', 'confirm', { confirm: false }],
      ['increment', 'increment', { capture: 'manual' }],
      ['cancellation', 'cancel', { capture: 'manual' }],
    ])('finds a %s by its id, which is read with its payment', async (type, ask, more) => {
      const terms = { ...paymentOf(), ...more, method: { type: 'card', token: 'tok_visa' } };
      const paid = await made('/payments', terms);
      const body = type === 'increment' ? { amount: '5' } : {};
      const asked = await stage.client.postUntilTaken(`${API}/payments/${paid}/${ask}`, body, { prefer: 'wait=10' });
      expect([asked.status, asked.text]).toEqual([200, asked.text]);
      const [row] = await stage.db.rows<{ id: string }>(OPERATION_OF, [uuidOf('payment', paid), type]);
      const id = fromUuid(type as IdKind, row?.id ?? '');
      expect(await found(id)).toMatchObject([{ matched: 'id', type, id, url: `${API}/payments/${paid}` }]);
    });

    it('finds a type by its name, and a dispute by what its provider calls it', async () => {
      const name = mine['/transaction_types'] ?? '';
      expect(await found(name)).toMatchObject([{ matched: 'name', type: 'transaction_type', id: name }]);
      const dispute = mine['/disputes'] ?? '';
      expect(await found('dsp_of_each')).toMatchObject([
        { matched: 'provider_reference', type: 'dispute', id: dispute },
      ]);
    });

    it.each([
      ['payment_bulk', () => stage.client.post(`${API}/payments/bulk`, { payments: [paymentOf()] }, keyed), 'null'],
      ['transfer_bulk', () => stage.client.post(`${API}/transfers/bulk`, bulkOf(), keyed), 'bulk'],
      ['change', () => stage.client.patch(`${API}/accounts/${bob}`, { metadata: { a: '1' } }, keyed), 'null'],
    ])('finds a %s by its idempotency key', async (type, ask, kind) => {
      keyed['idempotency-key'] = `key-${randomUUID()}`;
      const answer = await ask();
      const [first, ...others] = await found(keyed['idempotency-key']);
      expect([first, others]).toMatchObject([{ matched: 'idempotency_key', type, reply_status: answer.status }, []]);
      expect(String(first?.['id']).split('_')[0]).toBe(kind);
    });
  });

  it("finds the payment by its transfer's id", async () => {
    const transfer = payment.replace('pay_', 'tr_');
    expect(await found(transfer)).toMatchObject([{ matched: 'id', type: 'payment', id: payment }]);
  });

  it('finds nothing of another tenant, of what is not there, and of what the key may not read', async () => {
    const stranger = await Client.of(stage.db, stage.gateway.base);
    for (const q of [payment, bob, 'order-7', 'users:bob', key, newId('payment')])
      expect(await found(q, stranger)).toEqual([]);
    expect(await found(newId('payment'))).toEqual([]);
    const clerk = await stage.client.withKey(stage.db, ['accounts:read']);
    expect(await found(bob, clerk)).toHaveLength(1);
    for (const q of [payment, 'order-7', key, hold]) expect(await found(q, clerk)).toEqual([]);
  });

  it.each(['', '?q=', `?q=${'a'.repeat(256)}`, '?q=%00', '?q=a&q=b', '?q=a&limit=1'])('refuses %s', async (query) => {
    expect(told(await stage.client.get(`${API}/search${query}`))).toBe('400 invalid_parameter');
  });

  it('takes one statement, whatever it finds', async () => {
    for (const q of [payment, 'order-7', key, 'nothing'])
      expect(await statements(`/search?q=${q}`)).toEqual(['search.find']);
  });
});

async function statements(path: string): Promise<string[]> {
  const headers = { authorization: `Bearer ${stage.client.key}` };
  // Sent by the first that waits for it: it must be waited for within.
  const inject = async () => {
    await stage.gateway.app.inject({ method: 'GET', url: `${API}${path}`, headers });
  };
  // Once before, for the key.
  await inject();
  return (await statementsOf(inject)).filter((name) => !name.startsWith('service.'));
}

describe('the history of an account', () => {
  const TWO = ['history.accounts', 'history.list'];

  it('tells each movement once, newest first, in a sentence', async () => {
    const lines = await data(`/transactions?account=${bob}`);
    expect(lines.map(({ type, id }) => [type, id])).toEqual([
      ['hold', hold],
      ['payment', failed],
      ['refund', refund],
      ['payment', payment],
    ]);
    expect(lines.map(({ description }) => description)).toEqual([
      expect.stringMatching(
        /^Hold of 0.10 USD from users:alice:wallet, pending$|^Hold of 0.10 USD from acct_\w+, pending$/,
      ),
      expect.stringMatching(/^Payment of 19.99 USD from users:bob:empty \(order-7\), failed: insufficient funds$/),
      expect.stringMatching(new RegExp(`^Refund of 5.00 USD to \\S+ for ${payment}$`)),
      expect.stringMatching(/^Payment of 19.99 USD from \S+ \(order-7\)$/),
    ]);
    expect(lines.map(({ direction }) => direction)).toEqual(['in', 'in', 'out', 'in']);
    expect(lines.at(-1)).toMatchObject({
      account: bob,
      counterparty: books.alice,
      amount: '1999',
      reference: 'order-7',
    });
  });

  it('of a user is that of all accounts below the path; what moves between them is internal, and told once', async () => {
    const lines = await data('/transactions?path=users:bob');
    expect(lines.map(({ type }) => type)).toEqual(['hold', 'payment', 'refund', 'payment']);
    expect(lines[1]).toMatchObject({ id: failed, direction: 'internal' });
    expect(await data('/transactions?path=nobody')).toEqual([]);
  });

  it('goes over pages of any size without losing or repeating a line', async () => {
    const all = await data(`/transactions?account=${books.alice}`);
    expect(all.length).toBeGreaterThan(3);
    for (const limit of [1, 2, 3]) {
      const seen: Entry[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const { body } = await stage.client.get(
          `${API}/transactions?account=${books.alice}&limit=${limit}${cursor && `&cursor=${cursor}`}`,
        );
        seen.push(...(body['data'] as Entry[]));
        cursor = body['next_cursor'] as string | null;
      }
      expect(seen).toEqual(all);
    }
  });

  it('is filtered by type and time, and carried away as CSV', async () => {
    expect((await data(`/transactions?account=${bob}&type=refund`)).map(({ id }) => id)).toEqual([refund]);
    expect(await data(`/transactions?account=${bob}&created[gte]=2999-01-01T00:00:00Z`)).toEqual([]);
    const { text } = await stage.client.get(`${API}/transactions?account=${bob}`, { accept: 'text/csv' });
    expect(text.split('\r\n')).toHaveLength(6);
  });

  it('tells of a payment that was captured in part by what was captured', async () => {
    const destination = await stage.client.open();
    const terms = { source: books.alice, destination, amount: '1999', asset: 'USD', capture: 'manual' };
    const paid = await made('/payments', { ...terms, method: { type: 'card', token: 'tok_visa' } });
    const line = async () => (await data(`/transactions?account=${destination}&type=payment`))[0];
    expect(await line()).toMatchObject({ amount: '1999', status: 'authorized' });
    await stage.client.postUntilTaken(`${API}/payments/${paid}/capture`, { amount: '400' }, { prefer: 'wait=10' });
    expect(await line()).toMatchObject({ amount: '400', status: 'succeeded' });
    expect((await line())?.['description']).toMatch(/^Payment of 4.00 USD from /);
  });

  it('tells of a hold that was posted by what was posted of it', async () => {
    const terms = { debit_account: books.alice, credit_account: await stage.client.open(), amount: '7', asset: 'USD' };
    const held = await made('/holds', terms);
    await stage.client.postUntilTaken(`${API}/holds/${held}/post`, {}, { prefer: 'wait=10' });
    const lines = await data(`/transactions?account=${terms.credit_account}`);
    expect(lines).toMatchObject([{ type: 'transfer', amount: '7', status: 'posted', direction: 'in' }]);
    expect(lines[0]?.['description']).toMatch(/^Posting of a hold of 0.07 USD from /);
    expect(await data(`/transactions?account=${terms.credit_account}&type=hold`)).toEqual([]);
  });

  it('finds what is older than a thousand movements of which payments tell', async () => {
    const account = await stage.client.open('USD', { path: 'users:carol' });
    const terms = { debit_account: books.alice, credit_account: account, amount: '7', asset: 'USD' };
    const first = await made('/transfers', terms);
    const paid = await made('/payments', { source: books.alice, destination: account, amount: '8', asset: 'USD' });
    await stage.db.rows(
      statement(
        'spec.told-again',
        `insert into transfer_views select (jsonb_populate_record(v, jsonb_build_object('id', gen_random_uuid(), 'payment_id', $2::uuid,
         'created_at', v.created_at + nr * interval '1 ms'))).* from transfer_views v, generate_series(1, 1000) as nr where v.id = $1`,
      ),
      [uuidOf('transfer', first), uuidOf('payment', paid)],
    );
    for (const query of ['limit=2', 'limit=100', 'type=transfer&limit=1'])
      expect((await data(`/transactions?account=${account}&${query}`)).at(-1)).toMatchObject({ id: first });
    // Of one type, what is told by another is not read page by page until there are enough of the rest.
    expect(await statements(`/transactions?account=${account}&type=transfer&limit=1`)).toEqual(TWO);
    expect(await data(`/transactions?account=${account}&type=transfer`)).toMatchObject([{ id: first }]);
  });

  it('takes two statements, however many lines there are', async () => {
    expect(await statements(`/transactions?account=${bob}`)).toEqual(TWO);
    expect(await statements('/transactions?path=users:bob')).toEqual(TWO);
  });

  it("is refused without an account or with two ways to name one, and is nobody else's", async () => {
    for (const query of ['', `?account=${bob}&path=users`, '?account=acct_1', '?path=', '?type=nonsense'])
      expect(told(await stage.client.get(`${API}/transactions${query}`))).toBe('400 invalid_parameter');
    const stranger = await Client.of(stage.db, stage.gateway.base);
    expect(told(await stranger.get(`${API}/transactions?account=${bob}`))).toBe('404 not_found');
    expect(await data('/transactions?path=users', stranger)).toEqual([]);
  });
});
