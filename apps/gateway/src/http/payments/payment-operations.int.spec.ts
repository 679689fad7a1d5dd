import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Answered } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const PAYMENTS = '/api/v1/payments';
const HELD_OFF = { prefer: 'wait=0' };
let stage: Stage;
let alice: string;
let bob: string;

beforeAll(async () => {
  stage = await openStage();
  [alice, bob] = [await stage.client.open(), await stage.client.open()];
});
afterAll(() => stage?.close());
afterEach(() => {
  stage.house.answering = true;
});

const terms = (more: object = {}) => ({ source: alice, destination: bob, amount: '1000', asset: 'USD', ...more });
const pay = (more: object = {}, headers: Record<string, string> = {}) =>
  stage.client.post(PAYMENTS, terms(more), headers);
const paid = async (more: object = {}) => (await pay(more)).body['id'] as string;
const ask = (id: string, what: string, body: object = {}, headers: Record<string, string> = {}) =>
  stage.client.post(`${PAYMENTS}/${id}/${what}`, body, headers);
const read = async (path: string) => (await stage.client.get(path)).body;
const sums = ({ body }: Answered) => [
  body['status'],
  body['amount_authorized'],
  body['amount_captured'],
  body['amount_refunded'],
];

describe('a payment that is captured later', () => {
  it('is answered 201 when it is authorized, and captured with 200', async () => {
    const made = await pay({ capture: 'manual', method: { type: 'card', token: 'tok_visa', brand: 'visa' } });
    expect([made.status, ...sums(made)]).toEqual([201, 'authorized', '1000', '0', '0']);
    expect(made.body).toMatchObject({ capture: 'manual', authorized_until: '2999-01-01T00:00:00.000Z', version: 1 });
    const id = made.body['id'] as string;
    const captured = await ask(id, 'capture', { amount: '400', metadata: { parcel: '1' } });
    expect([captured.status, ...sums(captured)]).toEqual([200, 'succeeded', '1000', '400', '0']);
    expect(await read(`${PAYMENTS}/${id}`)).toEqual(captured.body);
    const [capture] = (await read(`${PAYMENTS}/${id}/captures`))['data'] as Record<string, unknown>[];
    expect(capture).toMatchObject({
      object: 'capture',
      payment: id,
      status: 'succeeded',
      amount: '400',
      metadata: { parcel: '1' },
    });
    expect(await read(`/api/v1/captures/${capture?.['id'] as string}`)).toEqual(capture);
  });

  it('is captured several times where it was made for that, and what is left is called off', async () => {
    const id = await paid({ capture: 'manual_multiple' });
    expect(sums(await ask(id, 'capture', { amount: '100' }))).toEqual(['partially_captured', '1000', '100', '0']);
    expect(sums(await ask(id, 'capture', { amount: '200' }))).toEqual(['partially_captured', '1000', '300', '0']);
    expect(sums(await ask(id, 'cancel', { reason: 'sold out' }))).toEqual(['succeeded', '1000', '300', '0']);
  });

  it('is not captured in part for more to follow where it was made to be captured once', async () => {
    const id = await paid({ capture: 'manual' });
    const refused = await ask(id, 'capture', { amount: '400', final: false });
    expect(told(refused)).toBe('400 invalid_request');
    expect(refused.body['errors']).toMatchObject([{ pointer: '/final', code: 'not_supported' }]);
    expect(sums(await ask(id, 'capture', { amount: '400', final: true }))).toEqual(['succeeded', '1000', '400', '0']);
    const several = await paid({ capture: 'manual_multiple' });
    expect(sums(await ask(several, 'capture', { amount: '100', final: false }))).toEqual([
      'partially_captured',
      '1000',
      '100',
      '0',
    ]);
  });

  it('is incremented, and no more is captured than is set aside', async () => {
    const id = await paid({ capture: 'manual' });
    expect(told(await ask(id, 'capture', { amount: '1001' }))).toBe('422 capture_exceeds_authorized');
    expect(sums(await ask(id, 'increment', { amount: '5' }))).toEqual(['authorized', '1005', '0', '0']);
    expect(sums(await ask(id, 'capture', {}))).toEqual(['succeeded', '1005', '1005', '0']);
  });
});

describe('what needs to say nothing', () => {
  const key = () => ({ 'idempotency-key': newId('event') });
  it.each([
    ['without a body', undefined, {}],
    ['with none of the type of JSON', undefined, { 'content-type': 'application/json' }],
    ['with an empty one', '', { 'content-type': 'application/json' }],
  ] as const)('is said %s as with an empty object', async (_how, body, headers) => {
    const [taken, called] = [await paid({ capture: 'manual' }), await paid({ capture: 'manual' })];
    const say = (path: string) => stage.client.send('POST', path, body, { ...headers, ...key() });
    expect(sums(await say(`${PAYMENTS}/${taken}/capture`))).toEqual(['succeeded', '1000', '1000', '0']);
    expect((await say(`${PAYMENTS}/${taken}/refunds`)).body).toMatchObject({ status: 'succeeded', amount: '1000' });
    expect((await say(`${PAYMENTS}/${called}/cancel`)).body['status']).toBe('canceled');
    expect(told(await say(`${PAYMENTS}/${called}/increment`))).toMatch(/^4.. (invalid_json|unsupported_media_type)$/);
  });
});

describe('a payment that waits for its client', () => {
  it('begins when it is confirmed', async () => {
    const made = await pay({ confirm: false });
    expect([made.status, made.body['status'], made.body['next_action']]).toEqual([
      201,
      'requires_action',
      { type: 'confirm' },
    ]);
    const confirmed = await ask(made.body['id'] as string, 'confirm');
    expect([confirmed.status, ...sums(confirmed)]).toEqual([200, 'succeeded', '1000', '1000', '0']);
    expect(confirmed.body['next_action']).toBeNull();
  });

  it('is only authorized where that is asked for', async () => {
    const id = await paid({ confirm: false });
    const authorized = await ask(id, 'authorize');
    expect([authorized.status, ...sums(authorized)]).toEqual([200, 'authorized', '1000', '0', '0']);
    expect(authorized.body['capture']).toBe('manual');
  });

  it('is answered as its creation would be where it fails when it is confirmed', async () => {
    const id = await paid({ confirm: false, method: { type: 'card', token: 'tok_decline_do_not_honor' } });
    const declined = await ask(id, 'confirm');
    expect(told(declined)).toBe('402 declined');
    expect(declined.body).toMatchObject({
      operation: { object: 'confirmation', failure: { code: 'do_not_honor' } },
      payment: { id, status: 'failed', failure: { code: 'do_not_honor' } },
    });
  });

  it('tells where the customer has to go', async () => {
    const { status, body } = await pay({ method: { type: 'card', token: 'tok_action' } });
    expect([status, body['status'], body['next_action']]).toEqual([
      201,
      'requires_action',
      { type: 'redirect', url: 'https://acquirer.example/3ds' },
    ]);
  });
});

describe('a refund', () => {
  it('is answered 201 with the refund, and never past what was captured', async () => {
    const id = await paid();
    const { status, headers, body } = await ask(id, 'refunds', {
      amount: '300',
      reason: 'torn',
      metadata: { of: 'x' },
    });
    expect([status, body]).toEqual([
      201,
      {
        id: body['id'],
        object: 'refund',
        payment: id,
        status: 'succeeded',
        amount: '300',
        asset: 'USD',
        failure: null,
        reason: 'torn',
        metadata: { of: 'x' },
        livemode: false,
        version: 1,
        trace_id: body['trace_id'],
        created_at: body['created_at'],
        updated_at: body['updated_at'],
      },
    ]);
    expect(headers.get('location')).toBe(`/api/v1/refunds/${body['id'] as string}`);
    expect(await read(`/api/v1/refunds/${body['id'] as string}`)).toEqual(body);
    const refused = await ask(id, 'refunds', { amount: '701' });
    expect(told(refused)).toBe('422 refund_exceeds_captured');
    expect(refused.body).toMatchObject({
      operation: { object: 'refund', status: 'failed', amount: '701', failure: { code: 'refund_exceeds_captured' } },
      payment: { id, amount_refunded: '300' },
    });
    const rest = await ask(id, 'refunds');
    expect([rest.status, rest.body['amount']]).toEqual([201, '700']);
    expect((await read(`${PAYMENTS}/${id}/refunds`))['data']).toHaveLength(3);
    expect((await read(`/api/v1/refunds?payment=${id}&status=failed`))['data']).toHaveLength(1);
  });

  it('is there to be read right after 202, and final when the answer comes', async () => {
    const id = await paid();
    stage.house.answering = false;
    const { status, headers, body } = await ask(id, 'refunds', {}, HELD_OFF);
    expect([status, body['status'], body['version']]).toEqual([202, 'pending', 0]);
    const location = headers.get('location') as string;
    expect(await read(location)).toEqual(body);
    stage.house.answering = true;
    const final = await until('the refund ends', async () => {
      const now = await read(location);
      return now['status'] === 'succeeded' ? now : undefined;
    });
    expect(final).toMatchObject({ id: body['id'], amount: '1000', version: 1 });
  });
});

describe('what is asked of a payment', () => {
  it.each([
    ['capture', 'payment_not_capturable'],
    ['cancel', 'payment_not_cancelable'],
    ['confirm', 'payment_not_confirmable'],
    ['authorize', 'payment_not_confirmable'],
  ])('%s is refused with 409 once it has succeeded, with both that and the payment', async (what, code) => {
    const id = await paid();
    const refused = await ask(id, what);
    expect(told(refused)).toBe(`409 ${code}`);
    expect(refused.body).toMatchObject({
      instance: `${PAYMENTS}/${id}/${what === 'authorize' ? 'confirm' : what}`,
      payment: { id },
      operation: { payment: id, failure: { code } },
    });
  });

  it('is not found of another one, and not shown to another tenant', async () => {
    expect(told(await ask(newId('payment'), 'capture'))).toBe('404 not_found');
    expect(told(await ask('pay_nonsense', 'capture'))).toBe('400 invalid_id');
  });

  it('is answered byte for byte under its key, and refused for another wish', async () => {
    const id = await paid({ capture: 'manual' });
    const key = { 'idempotency-key': 'one-capture' };
    const first = await ask(id, 'capture', { amount: '10' }, key);
    const again = await ask(id, 'capture', { amount: '10' }, key);
    expect([again.status, again.text, again.headers.get('idempotency-replayed')]).toEqual([200, first.text, 'true']);
    expect(told(await ask(id, 'capture', { amount: '11' }, key))).toBe('422 idempotency_key_reused');
    expect(told(await ask(id, 'cancel', {}, key))).toBe('422 idempotency_key_reused');
  });

  it('is done once under an id of the client’s own, whatever the key', async () => {
    const id = await paid();
    const refund = newId('refund');
    const [first, again] = [
      await ask(id, 'refunds', { id: refund, amount: '9' }),
      await ask(id, 'refunds', { id: refund, amount: '9' }),
    ];
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(told(await ask(id, 'refunds', { id: refund, amount: '8' }))).toBe('422 id_reused');
    expect((await read(`${PAYMENTS}/${id}`))['amount_refunded']).toBe('9');
  });

  it('is refused with 412 at another version, gives its key back, and takes no number', async () => {
    const id = await paid({ capture: 'manual' });
    const key = { 'idempotency-key': 'if-it-stands' };
    expect(told(await ask(id, 'capture', {}, { ...key, 'if-match': 'W/"7"' }))).toBe('412 version_differs');
    const done = await ask(id, 'capture', {}, { ...key, 'if-match': 'W/"1"' });
    expect([done.status, done.body['version']]).toEqual([200, 2]);
    expect(numbersOf(id)).toEqual([1, 2]);
  });

  it('is one of 50 at once that ask for the same version, and no number is lost', async () => {
    const id = await paid();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ask(id, 'refunds', { amount: '1' }, { 'if-match': 'W/"1"', prefer: 'wait=10' })),
    );
    expect(answers.map(told).sort()).toEqual(['201', ...Array<string>(49).fill('412 version_differs')]);
    expect(numbersOf(id)).toEqual([1, 2]);
  });

  it('is refused with 412 while something is under way that would leave it at another version', async () => {
    const id = await paid();
    stage.house.answering = false;
    const condition = { 'if-match': 'W/"1"', ...HELD_OFF };
    expect((await ask(id, 'refunds', { amount: '1' }, condition)).status).toBe(202);
    expect(told(await ask(id, 'refunds', { amount: '1' }, condition))).toBe('412 version_differs');
    expect((await ask(id, 'refunds', { amount: '1' }, HELD_OFF)).status).toBe(202);
    await until('both are sent', () => numbersOf(id).length >= 3);
    expect(numbersOf(id)).toEqual([1, 2, 3]);
  });

  it('takes its number under a lock: 50 at once have 50 numbers, and what is refused has none', async () => {
    const id = await paid();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        at % 5 === 0
          ? ask(id, 'refunds', { amount: '1' }, { 'if-match': 'W/"99"' })
          : ask(id, 'refunds', { amount: '1' }, { prefer: 'wait=10' }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array<number>(40).fill(201),
      ...Array<number>(10).fill(412),
    ]);
    expect(numbersOf(id).sort((a, b) => a - b)).toEqual(Array.from({ length: 41 }, (_, at) => at + 1));
  });

  it('is asked once by 50 copies', async () => {
    const id = await paid();
    const key = { 'idempotency-key': 'fifty', prefer: 'wait=10' };
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(id, 'refunds', { amount: '2' }, key)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    expect(numbersOf(id)).toEqual([1, 2]);
  });
});

describe('a payment that failed', () => {
  it('is tried again as a new one, by another method', async () => {
    const failed = await pay({
      method: { type: 'card', token: 'tok_decline_do_not_honor' },
      reference: 'order-7',
      metadata: { a: 'b' },
    });
    expect([failed.status, (failed.body['payment'] as Record<string, unknown>)['failure']]).toEqual([
      402,
      { code: 'do_not_honor' },
    ]);
    const id = (failed.body['payment'] as Record<string, string>)['id'] as string;
    const again = await ask(id, 'retry', { method: { type: 'card', token: 'tok_visa' } });
    expect(again.status).toBe(201);
    expect(again.body).toMatchObject({
      status: 'succeeded',
      retry_of: id,
      reference: 'order-7',
      metadata: { a: 'b' },
      amount: '1000',
    });
    expect(told(await ask(again.body['id'] as string, 'retry'))).toBe('409 payment_not_retryable');
  });
});

/** The places of all commands of a payment, in the order in which they were written. */
function numbersOf(payment: string): number[] {
  return stage.house.commands.flatMap(({ data }) => {
    const { id, sequence } = data as { id: string; sequence?: number };
    return id === payment && sequence !== undefined ? [sequence] : [];
  });
}
