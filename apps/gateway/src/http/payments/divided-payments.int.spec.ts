import { randomUUID } from 'node:crypto';
import { newId, type PaymentCreate } from '@payflow/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countRows, type Client } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const PAYMENTS = '/api/v1/payments';
const WAIT = { prefer: 'wait=10' };
let stage: Stage;
let client: Client;
let alice: string;
let shop: string;
let fees: string;
let taxes: string;
let euros: string;
beforeAll(async () => {
  stage = await openStage();
  client = stage.client;
  [alice = '', shop = '', fees = '', taxes = ''] = await Promise.all([0, 1, 2, 3].map(() => client.open()));
  euros = await client.open('EUR');
});
afterAll(() => stage?.close());

const payment = (more: object = {}) => ({ source: alice, destination: shop, amount: '1999', asset: 'USD', ...more });
const pay = (more: object, headers: Record<string, string> = {}) =>
  client.post(PAYMENTS, payment(more), { ...WAIT, ...headers });
const fee = (how: object) => ({ kind: 'fee', account: fees, ...how });
const commandOf = (id: unknown) =>
  stage.house.commands.find(({ data }) => (data as { id: string }).id === id)?.data as PaymentCreate | undefined;

describe('a payment with a breakdown', () => {
  it('says of each part what it comes to, in the command, in the answer, and whenever it is read', async () => {
    const breakdown = [
      fee({ basis_points: 290, fixed: '30' }),
      { kind: 'tax', account: taxes, amount: '333' },
      { kind: 'split', account: shop, weight: 3 },
      { kind: 'split', account: fees, weight: 1 },
    ];
    const { status, body } = await pay({ breakdown });
    const expected = [
      { kind: 'fee', account: fees, amount: '88' },
      { kind: 'tax', account: taxes, amount: '333' },
      { kind: 'split', account: shop, amount: '1184' },
      { kind: 'split', account: fees, amount: '394' },
    ];
    expect([status, body['status'], body['breakdown']]).toEqual([201, 'succeeded', expected]);
    expect(body).not.toHaveProperty('type');
    expect(commandOf(body['id'])).toMatchObject({ breakdown: expected });
    const read = await client.get(`${PAYMENTS}/${body['id'] as string}`);
    expect(read.body['breakdown']).toEqual(expected);
    const listed = await client.get(`${PAYMENTS}?destination=${shop}&limit=1`);
    expect((listed.body['data'] as object[])[0]).toMatchObject({ id: body['id'], breakdown: expected });
  });

  it('shows and sends nothing of it where there is none', async () => {
    const { body } = await pay({});
    expect(body).not.toHaveProperty('breakdown');
    expect(commandOf(body['id'])).not.toHaveProperty('breakdown');
  });

  it('is another payment with another breakdown, under an id of the client', async () => {
    const id = newId('payment');
    const first = await pay({ id, breakdown: [fee({ amount: '30' })] });
    expect(first.status).toBe(201);
    const again = await pay({ id, breakdown: [fee({ amount: '30' })] });
    expect([again.status, again.body]).toEqual([201, first.body]);
    for (const other of [{ breakdown: [fee({ amount: '31' })] }, { breakdown: [fee({ basis_points: 150 })] }, {}])
      expect(told(await pay({ id, ...other }))).toBe('422 id_reused');
  });

  it('that failed is tried again with the same', async () => {
    stage.house.empty.add(alice);
    const failed = await pay({ breakdown: [fee({ amount: '30' })] });
    stage.house.empty.delete(alice);
    expect(told(failed)).toMatch(/^402 /);
    const { id } = failed.body['payment'] as { id: string };
    const again = await client.post(`${PAYMENTS}/${id}/retry`, {}, WAIT);
    expect(again.body).toMatchObject({ retry_of: id, breakdown: [{ kind: 'fee', account: fees, amount: '30' }] });
  });
});

describe('in a bulk', () => {
  it('each payment may have a breakdown, and none a type', async () => {
    const payments = [
      payment({ breakdown: [fee({ amount: '30' })] }),
      payment({ breakdown: [fee({ amount: '2000' })] }),
      payment({ type: 'card_capture' }),
    ];
    const { body } = await client.post(`${PAYMENTS}/bulk`, { payments }, WAIT);
    const results = body['results'] as { status: number; answer: Record<string, unknown> }[];
    expect(results.map(({ status, answer }) => `${status} ${(answer['code'] ?? answer['status']) as string}`)).toEqual([
      '201 succeeded',
      '422 breakdown_exceeds_amount',
      '400 invalid_request',
    ]);
    expect(results[0]?.answer).toMatchObject({ breakdown: [{ amount: '30' }] });
    expect(results[2]?.answer).toMatchObject({ errors: [{ pointer: '/type', code: 'not_supported' }] });
  });
});

describe('a payment with a type', () => {
  const leg = (more: object) => ({
    ...{ debit_account: '$source', credit_account: '$destination', asset: '$asset', of: '$amount' },
    ...more,
  });
  const variables = {
    source: 'account',
    destination: 'account',
    amount: 'amount',
    asset: 'asset',
    platform: 'account',
  };
  const define = (id: string, legs: object[], more: object = {}) =>
    client.post('/api/v1/transaction_types', { id, template: { variables: { ...variables, ...more }, legs } }, WAIT);
  const capture = (portion: string) => [leg({ credit_account: '$platform', portion }), leg({ remaining: true })];

  it('is divided as its template says, by what it says itself and the variables', async () => {
    expect((await define('card_capture', capture('29/1000'))).status).toBe(201);
    const { status, body } = await pay({ type: 'card_capture', variables: { platform: fees } });
    expect([status, body['type'], body['breakdown']]).toEqual([
      201,
      'card_capture',
      [{ kind: 'split', account: fees, amount: '58' }],
    ]);
    expect(commandOf(body['id'])).toMatchObject({ type: 'card_capture', breakdown: [{ amount: '58' }] });
  });

  it('asked for again is answered as it was, whatever the template is by now', async () => {
    await define('card_changed', capture('1/10'));
    const [key, id] = [randomUUID(), newId('payment')];
    const asked = { id, type: 'card_changed', variables: { platform: fees } };
    const first = await pay(asked, { 'idempotency-key': key });
    expect(first.body).toMatchObject({ breakdown: [{ amount: '200' }] });
    await define('card_changed', capture('2/10'));
    for (const headers of [{ 'idempotency-key': key }, {}])
      expect((await pay(asked, headers)).body).toEqual(first.body);
    expect((await pay({ type: 'card_changed', variables: { platform: fees } })).body).toMatchObject({
      breakdown: [{ amount: '400' }],
    });
    expect(told(await pay({ ...asked, variables: { platform: taxes } }))).toBe('422 id_reused');
  });

  it.each<[string, object, string, string]>([
    ['that nobody defined', { type: 'nothing' }, '422 transaction_type_not_found', '/type'],
    ['without a template', { type: 'bare' }, '422 transaction_type_without_template', '/type'],
    [
      'of something else',
      { type: 'elsewhere', variables: { platform: '$fees' } },
      '422 template_not_for_payments',
      '/type',
    ],
    ['without its variable', { type: 'card_bad' }, '400 invalid_request', '/variables/platform'],
    [
      'with one of the payment',
      { type: 'card_bad', variables: { platform: '$fees', amount: '5' } },
      '400 invalid_request',
      '/variables/amount',
    ],
    [
      'with one that it has not',
      { type: 'card_bad', variables: { platform: '$fees', x: '5' } },
      '400 invalid_request',
      '/variables/x',
    ],
    [
      'to nobody',
      { type: 'card_bad', variables: { platform: newId('account') } },
      '422 account_not_found',
      '/variables/platform',
    ],
    [
      'to another asset',
      { type: 'card_bad', variables: { platform: '$euros' } },
      '422 assets_differ',
      '/variables/platform',
    ],
    ['with a name that is none', { type: 'No Name' }, '400 invalid_request', '/type'],
    ['that is a number', { type: 7 }, '400 invalid_request', '/type'],
  ])('%s is refused', async (_, more, expected, pointer) => {
    await define('card_bad', capture('29/1000'));
    await client.post('/api/v1/transaction_types', { id: 'bare' }, WAIT);
    const back = leg({ debit_account: '$destination', credit_account: '$source', remaining: true });
    await define('elsewhere', [leg({ credit_account: '$platform', portion: '1/2' }), back]);
    const before = await countRows(stage.db);
    const text = JSON.stringify(more).replaceAll('$fees', fees).replaceAll('$euros', euros);
    const answer = await pay(JSON.parse(text) as object);
    expect([told(answer), (answer.body['errors'] as { pointer: string }[])[0]?.pointer]).toEqual([expected, pointer]);
    expect(await countRows(stage.db)).toEqual(before);
  });
});

describe('a breakdown that cannot be', () => {
  const cases: [what: string, more: () => object, expected: string, pointer: string][] = [
    ['no list', () => ({ breakdown: {} }), '400 invalid_request', '/breakdown'],
    ['nothing', () => ({ breakdown: [] }), '400 invalid_request', '/breakdown'],
    [
      'eleven parts',
      () => ({ breakdown: Array.from({ length: 11 }, () => fee({ amount: '1' })) }),
      '400 invalid_request',
      '/breakdown',
    ],
    [
      'a part without a kind',
      () => ({ breakdown: [{ account: fees, amount: '1' }] }),
      '400 invalid_request',
      '/breakdown/0/kind',
    ],
    [
      'another kind',
      () => ({ breakdown: [{ ...fee({ amount: '1' }), kind: 'tip' }] }),
      '400 invalid_request',
      '/breakdown/0/kind',
    ],
    [
      'an unknown member',
      () => ({ breakdown: [fee({ amount: '1', percent: 3 })] }),
      '400 invalid_request',
      '/breakdown/0/percent',
    ],
    ['a part of nothing', () => ({ breakdown: [fee({})] }), '400 invalid_request', '/breakdown/0'],
    ['a part of two', () => ({ breakdown: [fee({ amount: '1', weight: 1 })] }), '400 invalid_request', '/breakdown/0'],
    [
      'a fixed sum alone',
      () => ({ breakdown: [fee({ weight: 1, fixed: '1' })] }),
      '400 invalid_request',
      '/breakdown/0/fixed',
    ],
    [
      'an amount that is a number',
      () => ({ breakdown: [fee({ amount: 1 })] }),
      '400 invalid_request',
      '/breakdown/0/amount',
    ],
    [
      'an amount beyond counting',
      () => ({ breakdown: [fee({ amount: '9999999999999999999' })] }),
      '400 invalid_request',
      '/breakdown/0/amount',
    ],
    [
      'a fixed sum beyond counting',
      () => ({ breakdown: [fee({ basis_points: 1, fixed: '9999999999999999999' })] }),
      '400 invalid_request',
      '/breakdown/0/fixed',
    ],
    [
      'basis points of more than all',
      () => ({ breakdown: [fee({ basis_points: 10_001 })] }),
      '400 invalid_request',
      '/breakdown/0/basis_points',
    ],
    [
      'basis points in pieces',
      () => ({ breakdown: [fee({ basis_points: 0.5 })] }),
      '400 invalid_request',
      '/breakdown/0/basis_points',
    ],
    ['no weight', () => ({ breakdown: [fee({ weight: 0 })] }), '400 invalid_request', '/breakdown/0/weight'],
    [
      'a breakdown and a type',
      () => ({ breakdown: [fee({ amount: '1' })], type: 'nothing' }),
      '400 invalid_request',
      '/type',
    ],
    ['variables of nothing', () => ({ variables: { a: '1' } }), '400 invalid_request', '/variables'],
    [
      'nothing for somebody',
      () => ({ breakdown: [fee({ amount: '0' })] }),
      '422 amount_not_positive',
      '/breakdown/0/amount',
    ],
    [
      'the source',
      () => ({ breakdown: [{ ...fee({ amount: '1' }), account: alice }] }),
      '422 accounts_identical',
      '/breakdown/0/account',
    ],
    [
      'the destination',
      () => ({ breakdown: [{ ...fee({ amount: '1' }), account: shop }] }),
      '422 accounts_identical',
      '/breakdown/0/account',
    ],
    [
      'nobody',
      () => ({ breakdown: [fee({ amount: '1' }), { ...fee({ amount: '1' }), account: newId('account') }] }),
      '422 account_not_found',
      '/breakdown/1/account',
    ],
    [
      'an account of another asset',
      () => ({ breakdown: [{ ...fee({ amount: '1' }), account: euros }] }),
      '422 assets_differ',
      '/breakdown/0/account',
    ],
    [
      'more than there is',
      () => ({ breakdown: [fee({ amount: '2000' })] }),
      '422 breakdown_exceeds_amount',
      '/breakdown',
    ],
    [
      'more than there is together',
      () => ({ breakdown: [fee({ amount: '1999' }), fee({ basis_points: 10 })] }),
      '422 breakdown_exceeds_amount',
      '/breakdown',
    ],
  ];
  it.each(cases)('%s', async (_, more, expected, pointer) => {
    const before = await countRows(stage.db);
    const answer = await pay(more());
    expect([told(answer), (answer.body['errors'] as { pointer: string }[])[0]?.pointer]).toEqual([expected, pointer]);
    expect(await countRows(stage.db)).toEqual(before);
  });
});
