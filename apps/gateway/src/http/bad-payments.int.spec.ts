import { newId } from '@payflow/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PAYMENT_FLAWS } from '../testing/bad-payments.js';
import { countAllRows } from '../testing/all-rows.js';
import { Client, type Answered } from '../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../testing/stage.js';

const PAYMENTS = '/api/v1/payments';
const CARD = '4111111111111111';
let stage: Stage;
let alice: string;
let bob: string;
let payment: string;
let failed: string;

beforeAll(async () => {
  stage = await openStage();
  [alice, bob] = [await stage.client.open(), await stage.client.open()];
  const made = (more: object) => stage.client.postUntilTaken(PAYMENTS, terms(more), { prefer: 'wait=10' });
  payment = (await made({ capture: 'manual' })).body['id'] as string;
  const declined = await made({ method: { type: 'card', token: 'tok_decline_lost' } });
  failed = (declined.body['payment'] as { id: string }).id;
});
afterAll(() => stage?.close());

const terms = (more: object = {}) => ({ source: alice, destination: bob, amount: '100', asset: 'USD', ...more });
const pathOf = (what: string) => {
  if (what === '') return PAYMENTS;
  return `${PAYMENTS}/${what === 'retry' ? failed : payment}/${what}`;
};
const good = (what: string): Record<string, unknown> => {
  if (what === '') return terms();
  return what === 'increment' ? { amount: '1' } : {};
};
/** A good request but for one member, as text: some of what is wrong is no JSON. */
const spoilt = (what: string, member: string, value: string) => {
  const members = new Map(Object.entries(good(what)).map(([name, fine]) => [name, JSON.stringify(fine)]));
  members.set(member, value);
  return `{${[...members].map(([name, text]) => `"${name}":${text}`).join(',')}}`;
};
const isRefused = ({ status }: Answered) => status === 400 || status === 422;

describe('what is wrong with a request about a payment is answered 400 or 422, and leaves nothing', () => {
  it.each(Object.keys(PAYMENT_FLAWS))('%s', async (what) => {
    const before = await countAllRows(stage.db);
    for (const [member, values] of Object.entries(PAYMENT_FLAWS[what] ?? {}))
      for (const value of values) {
        const answer = await stage.client.post(pathOf(what), spoilt(what, member, value));
        expect([what, member, value, isRefused(answer) || answer.text]).toEqual([what, member, value, true]);
      }
    // Where nothing must be said, an empty body says nothing.
    const empty = Object.keys(good(what)).length > 0 ? [''] : [];
    for (const body of [...empty, 'null', '7', '[]', '"x"', '{', '{"a"}'])
      expect((await stage.client.post(pathOf(what), body)).status).toBe(400);
    expect(await countAllRows(stage.db)).toEqual(before);
  });
});

describe('a card number', () => {
  const bodies = (): [string, object][] => [
    ['', terms({ reference: `card ${CARD}` })],
    ['', terms({ metadata: { note: '4111 1111 1111 1111' } })],
    ['', terms({ metadata: { amount: CARD } })],
    ['', terms({ metadata: { [CARD]: 'x' } })],
    ['', terms({ method: { type: 'card', token: CARD } })],
    ['', terms({ method: { type: 'card', token: 'tok_visa', number: CARD } })],
    ['', terms({ [CARD]: 'x' })],
    ['', terms({ speed: Number(CARD) })],
    ['capture', { metadata: { note: '5555-5555-5555-4444' } }],
    ['cancel', { reason: `it was 378282246310005` }],
    ['refunds', { reason: CARD }],
    ['retry', { method: { type: 'card', token: CARD } }],
  ];

  it('is refused wherever it stands, is not repeated, and nothing is kept', async () => {
    const before = await countAllRows(stage.db);
    for (const [what, body] of bodies()) {
      const answer = await stage.client.post(pathOf(what), body);
      expect([body, told(answer)]).toEqual([body, '422 card_data_not_accepted']);
      expect(answer.text).not.toMatch(/4111[ -]?1111|5555[ -]?5555|378282246/);
    }
    expect(await countAllRows(stage.db)).toEqual(before);
  });

  it('is refused of everything else that is posted or patched, and in an address', async () => {
    const { client } = stage;
    const metadata = { note: CARD };
    const movement = { debit_account: alice, credit_account: bob, amount: '1', asset: 'USD' };
    const answers = [
      await client.post('/api/v1/accounts', { asset: 'USD', path: `users:${CARD}` }),
      await client.post('/api/v1/transfers', { ...movement, metadata }),
      await client.patch(`/api/v1/accounts/${alice}`, { metadata }),
      await client.get(`${PAYMENTS}?reference=${CARD}`),
      await client.get(`${PAYMENTS}/${CARD}`),
      await client.post(PAYMENTS, terms(), { 'idempotency-key': CARD }),
      await client.post(PAYMENTS, terms(), { 'request-id': CARD }),
      await client.post(PAYMENTS, terms(), { 'request-id': `order-${CARD}` }),
      await client.post(PAYMENTS, terms(), { 'request-id': '4111.1111.1111.1111' }),
    ];
    expect(answers.map(told)).toEqual(answers.map(() => '422 card_data_not_accepted'));
    for (const { text, headers } of answers)
      expect(text + [...headers.values()].join()).not.toMatch(/4111[.]?1111[.]?1111[.]?1111/);
  });

  it('is not what an amount is, whatever its digits', async () => {
    const { status, body } = await stage.client.post(PAYMENTS, terms({ amount: CARD, reference: crypto.randomUUID() }));
    expect([status, body['amount']]).toEqual([201, CARD]);
  });
});

describe('what stands beside a request', () => {
  it.each(['confirm', 'capture', 'refunds', 'cancel', 'retry'])(
    'of %s is looked at before anything is done',
    async (what) => {
      const { client, db } = stage;
      const reader = await client.withKey(db, ['payments:read']);
      const before = await countAllRows(db);
      const path = pathOf(what);
      expect(told(await client.post(path, {}, { 'idempotency-key': '' }))).toBe('400 idempotency_key_missing');
      expect(told(await client.post(path, {}, { 'if-match': 'seven' }))).toBe('400 invalid_header');
      expect(told(await client.post(path, {}, { 'if-match': 'W/"99"' }))).toBe('412 version_differs');
      expect(told(await client.post(`${path}?x=1`, {}))).toBe('400 invalid_parameter');
      expect(told(await client.post(path.replace(/pay_\w+/, newId('payment')), {}))).toBe('404 not_found');
      expect(told(await reader.post(path, {}))).toBe('403 forbidden');
      expect(await countAllRows(db)).toEqual(before);
    },
  );

  it('is told of another tenant’s payment, and of what is of another kind, as of one that is not there', async () => {
    const { client, db, gateway } = stage;
    const other = await Client.of(db, gateway.base);
    expect(told(await other.post(pathOf('capture'), {}))).toBe('404 not_found');
    expect(told(await client.get('/api/v1/refunds/re_x'))).toBe('400 invalid_id');
    expect(told(await client.get(`/api/v1/refunds/${newId('refund')}`))).toBe('404 not_found');
    expect(told(await client.get(`/api/v1/refunds?payment=7`))).toBe('400 invalid_parameter');
    expect(told(await client.get(`${PAYMENTS}?expand=everything`))).toBe('400 invalid_parameter');
    expect(told(await client.get(`${PAYMENTS}/${payment}?expand=refunds,refunds`))).toBe('400 invalid_parameter');
  });
});
