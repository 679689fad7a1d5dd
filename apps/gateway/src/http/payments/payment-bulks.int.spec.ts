import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { until } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { countRows, type Answered } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const BULK = '/api/v1/payments/bulk';
const WAITED = { prefer: 'wait=10' };
let stage: Stage;
let alice: string;
let bob: string;
let pauper: string;

interface Result {
  readonly index: number;
  readonly id: string | null;
  readonly status: number;
  readonly answer: Record<string, unknown> | null;
}

beforeAll(async () => {
  stage = await openStage();
  [alice, bob, pauper] = [await stage.client.open(), await stage.client.open(), await stage.client.open()];
  stage.house.empty.add(pauper);
});
afterAll(() => stage?.close());
afterEach(() => {
  stage.house.answering = true;
});

const COPIES = statement('spec.copies', 'select idempotency_key from idempotency_records where copy_of = $1');
const APPLIED_ELSEWHERE = statement(
  'spec.applied-elsewhere',
  `update idempotency_records set reply_status = 201, reply_headers = '{}', reply_body = $2 where idempotency_key = $1`,
);

const terms = (more: object = {}) => ({ source: alice, destination: bob, amount: '100', asset: 'USD', ...more });
const resultsOf = ({ body }: Answered) => body['results'] as Result[];
const codes = (answer: Answered) =>
  resultsOf(answer).map(
    ({ status, answer }) => `${status} ${(answer?.['code'] ?? answer?.['status'] ?? '') as string}`,
  );
const make = (payments: readonly unknown[], headers: Record<string, string> = {}) =>
  stage.client.post(BULK, { payments }, { ...WAITED, ...headers });

describe('many payments at once', () => {
  it('have each the answer they would have had alone, in their order', async () => {
    const answer = await make([
      terms(),
      terms({ amount: '0' }),
      terms({ source: pauper }),
      terms({ destination: newId('account') }),
      terms({ capture: 'manual' }),
      terms({ speed: 'high' }),
      terms({ reference: '4111 1111 1111 1111' }),
      7,
    ]);
    expect([answer.status, answer.body['status'], answer.body['counts']]).toEqual([
      200,
      'completed',
      { total: 8, pending: 0, succeeded: 2, failed: 6 },
    ]);
    expect(codes(answer)).toEqual([
      '201 succeeded',
      '422 amount_not_positive',
      '402 declined',
      '422 account_not_found',
      '201 authorized',
      '400 invalid_request',
      '422 card_data_not_accepted',
      '400 invalid_request',
    ]);
    const [first] = resultsOf(answer);
    expect((await stage.client.get(`/api/v1/payments/${first?.id ?? ''}`)).body).toEqual(first?.answer);
    expect(answer.text).not.toContain('4111 1111');
  });

  it('are answered byte for byte under their key, also what was refused and would be accepted now', async () => {
    const [key, late] = [{ 'idempotency-key': 'bulk-again' }, newId('account')];
    const payments = [terms(), terms({ destination: late })];
    const first = await make(payments, key);
    expect(codes(first)).toEqual(['201 succeeded', '422 account_not_found']);
    await stage.client.open('USD', { id: late });
    const before = await countRows(stage.db);
    const again = await make(payments, key);
    expect([again.status, again.text, again.headers.get('idempotency-replayed')]).toEqual([200, first.text, 'true']);
    expect(await countRows(stage.db)).toEqual(before);
    expect(told(await make([terms()], key))).toBe('422 idempotency_key_reused');
  });

  it('are made once by ten copies', async () => {
    const key = { 'idempotency-key': 'ten-copies' };
    const payments = Array.from({ length: 40 }, (_, at) => terms({ reference: `r${at}` }));
    const before = await countRows(stage.db);
    const answers = await Promise.all(Array.from({ length: 10 }, () => make(payments, key)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const after = await countRows(stage.db);
    expect([after.payments - before.payments, after.messages - before.messages]).toEqual([40, 40]);
  });

  it('are durable with 202, and the same request tells how they ended', async () => {
    stage.house.answering = false;
    const key = { 'idempotency-key': 'later', prefer: 'wait=0' };
    const payments = [terms(), terms()];
    const first = await make(payments, key);
    expect([first.status, codes(first)]).toEqual([202, ['202 ', '202 ']]);
    stage.house.answering = true;
    const final = await until('the bulk ends', async () => {
      const answer = await make(payments, key);
      return answer.status === 200 ? answer : undefined;
    });
    expect(codes(final)).toEqual(['201 succeeded', '201 succeeded']);
    expect(resultsOf(final).map(({ id }) => id)).toEqual(resultsOf(first).map(({ id }) => id));
  });

  it('hear of the end of a payment that they join, though another process has applied it and its word got lost', async () => {
    stage.house.answering = false;
    const [first, id] = [newId('event'), newId('payment')];
    const key = { 'idempotency-key': first, prefer: 'wait=0' };
    const alone = await stage.client.post('/api/v1/payments', terms({ id }), key);
    expect(alone.status).toBe(202);
    const bulk = make([terms({ id })]);
    await until('the item has joined it', async () => (await stage.db.rows(COPIES, [first])).length === 1);
    expect(await stage.db.count(APPLIED_ELSEWHERE, [first, alone.text])).toBe(1);
    const { status, body } = await bulk;
    expect([status, body['results']]).toEqual([200, [{ index: 0, id, status: 201, answer: alone.body }]]);
  });

  it('come as lines, and go as lines', async () => {
    const lines = [JSON.stringify(terms()), '{"amount":', JSON.stringify(terms({ capture: 'manual' }))].join('\n');
    const { status, headers, text } = await stage.client.post(BULK, lines, {
      ...WAITED,
      'content-type': 'application/x-ndjson',
      accept: 'application/x-ndjson',
    });
    expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    const results = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Result);
    expect(results.map(({ status, index }) => [index, status])).toEqual([
      [0, 201],
      [1, 400],
      [2, 201],
    ]);
  });

  it('are a thousand at most', async () => {
    const { status, body } = await make(Array<object>(1_000).fill(terms()), WAITED);
    expect([status, body['counts']]).toEqual([200, { total: 1_000, pending: 0, succeeded: 1_000, failed: 0 }]);
    expect(told(await make(Array<object>(1_001).fill(terms())))).toBe('400 invalid_request');
  }, 60_000);

  it.each([
    ['{}'],
    ['{"payments":[]}'],
    ['{"payments":7}'],
    ['{"payments":[{}],"mode":"atomic"}'],
    ['[]'],
    ['{"payments":[{}'],
  ])('are refused as a whole where the whole is wrong: %s', async (text) => {
    const before = await countRows(stage.db);
    expect((await stage.client.post(BULK, text)).status).toBe(400);
    expect(await countRows(stage.db)).toEqual(before);
  });
});

describe('many wishes at once', () => {
  it('are refunds of payments, each with its own', async () => {
    const [one, two] = resultsOf(await make([terms(), terms()])).map(({ id }) => id ?? '');
    const refunds = [
      { payment: one, amount: '60', reason: 'torn' },
      { payment: one, amount: '60' },
      { payment: two },
      { payment: newId('payment') },
      { payment: 'pay_x' },
      { amount: '1' },
    ];
    const key = { 'idempotency-key': 'many-refunds', ...WAITED };
    const answer = await stage.client.post(`${BULK}_refund`, { refunds }, key);
    expect(codes(answer)).toEqual([
      '201 succeeded',
      '422 refund_exceeds_captured',
      '201 succeeded',
      '404 not_found',
      '400 invalid_request',
      '400 invalid_request',
    ]);
    expect((await stage.client.post(`${BULK}_refund`, { refunds }, key)).text).toBe(answer.text);
    expect((await stage.client.get(`/api/v1/payments/${one}`)).body['amount_refunded']).toBe('60');
  });

  it('are cancellations', async () => {
    const [held, done] = resultsOf(await make([terms({ capture: 'manual' }), terms()])).map(({ id }) => id ?? '');
    const cancellations = [{ payment: held, reason: 'gone' }, { payment: done }];
    const answer = await stage.client.post(`${BULK}_cancel`, { cancellations }, WAITED);
    expect(codes(answer)).toEqual(['200 canceled', '409 payment_not_cancelable']);
  });
});
