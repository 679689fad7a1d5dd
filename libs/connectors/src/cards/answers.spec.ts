import { describe, expect, it } from 'vitest';
import type { ProviderRequest } from '../connector.js';
import { Lost } from '../outbound/call-failures.js';
import { answerOf, foundOf } from './answers.js';

const wish = (action: 'authorize' | 'sale'): ProviderRequest => ({
  action,
  idempotencyKey: 'att_1',
  merchantReference: 'org_1/test/pay_1',
  amount: '1999',
  asset: 'USD',
  card: { type: 'card', token: 'tok_visa' },
  reference: null,
});
const amount = { value: '1999', currency: 'USD' };
const otherAmount = { value: '2099', currency: 'USD' };

function authorization(change: object = {}) {
  const kept = { merchant_reference: 'org_1/test/pay_1', idempotency_key: 'att_1' };
  return {
    id: 'auth_1',
    object: 'authorization',
    status: 'authorized',
    decline_code: null,
    amount,
    ...kept,
    ...change,
  };
}

/** What was done under the key, with the authorization as it is now. */
function operation(now: object, change: object = {}) {
  const done = { id: 'op_1', object: 'operation', type: 'authorize', status: 'succeeded', decline_code: null, amount };
  return { ...done, idempotency_key: 'att_1', authorization: authorization(now), ...change };
}

const told = (status: number, body: object) => ({
  status,
  retryAfter: undefined,
  body: Buffer.from(JSON.stringify(body)),
});
const found = (action: 'authorize' | 'sale', done: object) => foundOf(wish(action), told(200, { data: [done] }));

function lostBy(read: () => unknown): string | undefined {
  try {
    read();
  } catch (error) {
    if (error instanceof Lost) return error.code;
    throw error;
  }
  return undefined;
}

const CAPTURED = { status: 'captured' };

describe('what is found under the key of what was to be set aside', () => {
  it.each([
    ['is set aside', operation({})],
    ['has been captured since', operation(CAPTURED)],
    ['has been captured and given back since', operation({ ...CAPTURED, voided: true, refunded: amount })],
  ])('that it %s is a yes, by the number of the authorization', (_what, done) => {
    expect(found('authorize', done)).toMatchObject({ outcome: 'approved', reference: 'auth_1' });
  });

  it.each<[string, object]>([
    ['money was taken at once', operation(CAPTURED, { type: 'sale' })],
    ['it is not said what was done', operation(CAPTURED, { type: undefined })],
    ['nothing but the authorization is told', authorization(CAPTURED)],
    ['it was declined', operation(CAPTURED, { status: 'declined' })],
    ['it waits for the customer', operation(CAPTURED, { status: 'action_required' })],
    ['another sum was set aside', operation(CAPTURED, { amount: otherAmount })],
    ['no sum is told', operation(CAPTURED, { amount: null })],
    ['the authorization is of another sum', operation({ ...CAPTURED, amount: otherAmount })],
    ['it is of another payment', operation({ ...CAPTURED, merchant_reference: 'org_1/test/pay_2' })],
  ])('captured is no yes where %s', (_what, done) => {
    expect(lostBy(() => found('authorize', done))).toBe('answer_contradicts');
  });

  it('tells of a decline as ever', () => {
    const no = { status: 'declined', decline_code: 'insufficient_funds' };
    expect(found('authorize', operation(no, no))).toMatchObject({ outcome: 'declined', code: 'insufficient_funds' });
  });
});

it('what is found under the key of a sale is a yes where it was taken, and no where it was only set aside', () => {
  const sale = { type: 'sale' };
  expect(found('sale', operation(CAPTURED, sale))).toMatchObject({ outcome: 'approved', reference: 'auth_1' });
  expect(lostBy(() => found('sale', operation({}, sale)))).toBe('answer_contradicts');
});

it('captured is no answer to the wish to set aside itself: nobody can have captured it since', () => {
  expect(lostBy(() => answerOf(wish('authorize'), told(201, authorization(CAPTURED))))).toBe('answer_contradicts');
});
