import { describe, expect, it } from 'vitest';
import type { ProviderAction, ProviderRequest } from '../connector.js';
import { Lost } from '../outbound/call-failures.js';
import { answerOf, foundOf } from './answers.js';

const wish = (action: ProviderAction, reference: string | null = null): ProviderRequest => ({
  action,
  idempotencyKey: 'att_1',
  merchantReference: 'org_1/test/pay_1',
  amount: '1999',
  asset: 'USD',
  card: { type: 'card', token: 'tok_visa' },
  reference,
});
const amount = { value: '1999', currency: 'USD' };
const otherAmount = { value: '2099', currency: 'USD' };
const none = { value: '0', currency: 'USD' };
const part = { value: '600', currency: 'USD' };

function authorization(change: object = {}) {
  const kept = { merchant_reference: 'org_1/test/pay_1', idempotency_key: 'att_1' };
  return {
    id: 'auth_1',
    object: 'authorization',
    status: 'authorized',
    decline_code: null,
    amount,
    authorized: amount,
    captured: none,
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

const CAPTURED = { status: 'captured', captured: amount };

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
    const no = { status: 'declined', decline_code: 'insufficient_funds', authorized: none };
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

describe('a yes to another sum than the one asked for is none', () => {
  const begun = (action: 'authorize' | 'sale', change: object) => {
    const taken = action === 'sale' ? CAPTURED : {};
    return answerOf(wish(action), told(201, authorization({ ...taken, ...change })));
  };
  const later = (action: 'authorize' | 'sale', change: object) =>
    found(action, operation({ ...(action === 'sale' ? CAPTURED : {}), ...change }, { type: action }));

  it.each(['authorize', 'sale'] as const)('%s: the whole sum is a yes', (action) => {
    expect(begun(action, {})).toMatchObject({ outcome: 'approved' });
    expect(later(action, {})).toMatchObject({ outcome: 'approved' });
  });

  it.each<['authorize' | 'sale', string, object]>([
    ['authorize', 'less is set aside', { authorized: part }],
    ['authorize', 'the sum is of another currency', { authorized: { value: '1999', currency: 'JPY' } }],
    ['authorize', 'it is not said how much is set aside', { authorized: undefined }],
    ['sale', 'less is set aside and taken', { authorized: part, captured: part }],
    ['sale', 'less is taken than is set aside', { captured: part }],
    ['sale', 'more is taken', { authorized: otherAmount, captured: otherAmount }],
    ['sale', 'it is not said how much is taken', { captured: undefined }],
  ])('%s: %s', (action, _what, change) => {
    expect(lostBy(() => begun(action, change))).toBe('answer_contradicts');
    expect(lostBy(() => later(action, change))).toBe('answer_contradicts');
  });

  it('more that is set aside was added since, and never at once', () => {
    expect(later('authorize', { authorized: otherAmount })).toMatchObject({ outcome: 'approved' });
    expect(lostBy(() => begun('authorize', { authorized: otherAmount }))).toBe('answer_contradicts');
  });

  it('what was taken of it since tells nothing of what was set aside, and what is taken at once does', () => {
    expect(later('authorize', { status: 'captured', captured: part })).toMatchObject({ outcome: 'approved' });
    expect(lostBy(() => begun('authorize', { captured: part }))).toBe('answer_contradicts');
  });

  it.each(['authorized', 'captured'])('a no with a sum that is %s is none', (moved) => {
    const no = { status: 'declined', decline_code: 'insufficient_funds', authorized: none };
    expect(begun('authorize', no)).toMatchObject({ outcome: 'declined' });
    expect(lostBy(() => begun('authorize', { ...no, [moved]: part }))).toBe('answer_contradicts');
  });

  const operated = (type: ProviderAction, now: object, change: object = {}) =>
    answerOf(wish(type, 'auth_1'), told(201, operation(now, { type, ...change })));
  it.each<[ProviderAction, object, object]>([
    ['increment', { authorized: otherAmount }, { authorized: part }],
    ['capture', { captured: amount }, { captured: part }],
    ['capture', { captured: otherAmount }, { captured: undefined }],
    ['refund', { captured: amount, refunded: amount }, { captured: amount, refunded: part }],
    ['void', { voided: true }, { voided: false }],
  ])('%s: the authorization shows it moved, or less than that', (type, whole, less) => {
    expect(operated(type, whole)).toMatchObject({ outcome: 'approved' });
    expect(lostBy(() => operated(type, less))).toBe('answer_contradicts');
    expect(lostBy(() => operated(type, whole, { authorization: null }))).toBe('answer_contradicts');
  });
});
