import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { cardsWebhooks } from './cards/webhooks.js';
import { signedWebhook, signingKey, webhookSecret } from './webhooks.js';

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const next = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const now = new Date('2026-01-01T00:00:00.000Z');
const now_s = now.getTime() / 1_000;
const body = Buffer.from('{"type":"x","note":"ä"}');

function headers(change: { id?: string; at_s?: number; by?: string; of?: Buffer } = {}) {
  const { id = 'msg_1', at_s = now_s, by = secret, of = body } = change;
  const signature = createHmac('sha256', signingKey(by)).update(`${id}.${at_s}.`).update(of).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(at_s), 'webhook-signature': `v1,${signature}` };
}
const keys = [secret].map(signingKey);

describe('a webhook by Standard Webhooks', () => {
  it('agrees with the example that its specification publishes', () => {
    const published = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    const key = signingKey('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
    const at = new Date(1_614_265_330_000);
    expect(signedWebhook(published, Buffer.from('{"test": 2432232314}'), [key], at)).toMatchObject({
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    });
  });

  it('is believed up to five minutes either way', () => {
    for (const at_s of [now_s - 300, now_s, now_s + 300]) {
      expect(signedWebhook(headers({ at_s }), body, keys, now)).toEqual({ id: 'msg_1', timestamp_s: at_s });
    }
    for (const at_s of [now_s - 301, now_s + 301]) {
      expect(signedWebhook(headers({ at_s }), body, keys, now)).toBeUndefined();
    }
  });

  it('is believed by any of its signatures and any of our keys', () => {
    const wrong = `v1,${Buffer.alloc(32).toString('base64')}`;
    const given = headers({ by: next });
    const several = { ...given, 'webhook-signature': `v1a,x ${wrong} ${given['webhook-signature']}` };
    expect(signedWebhook(several, body, [secret, next].map(signingKey), now)).toBeDefined();
    expect(signedWebhook(several, body, keys, now)).toBeUndefined();
  });

  it.each<[string, Record<string, string | undefined>]>([
    ['without headers', {}],
    ['without an id', { ...headers(), 'webhook-id': undefined }],
    ['with an id that is too long', headers({ id: 'm'.repeat(256) })],
    ['with another id than was signed', { ...headers(), 'webhook-id': 'msg_2' }],
    ['with another time than was signed', { ...headers(), 'webhook-timestamp': String(now_s + 1) }],
    ['with a time that is no number', { ...headers(), 'webhook-timestamp': '1e9' }],
    [
      'with a signature that is cut',
      { ...headers(), 'webhook-signature': headers()['webhook-signature'].slice(0, 30) },
    ],
    [
      'with a signature of another version',
      { ...headers(), 'webhook-signature': headers()['webhook-signature'].replace('v1', 'v2') },
    ],
    ['with another body', headers({ of: Buffer.from('{}') })],
    ['of another sender', headers({ by: next })],
    [
      'with its signature after more than anybody sends',
      { ...headers(), 'webhook-signature': `${'v1,x '.repeat(8)}${headers()['webhook-signature']}` },
    ],
  ])('is not believed %s', (_what, given) => {
    expect(signedWebhook(given, body, keys, now)).toBeUndefined();
  });

  it('needs a secret that is one', () => {
    const { parse } = webhookSecret('…');
    expect(parse(secret, true)).toEqual({ value: secret });
    for (const wrong of ['secret', 'whsec_', 'whsec_short', `${secret}!`]) {
      expect(parse(wrong, true)).toHaveProperty('problem');
    }
  });
});

describe('what the acquirer tells by webhook', () => {
  const reader = cardsWebhooks([next, secret]);
  const read = (message: unknown) => {
    const of = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
    return reader.read(headers({ of }), of, now);
  };
  const data = {
    id: 'auth_1',
    status: 'captured',
    amount: { value: '1999', currency: 'USD' },
    merchant_reference: 'org_1/test/pay_1',
    idempotency_key: 'att_1',
  };
  const timestamp = '2025-12-31T23:59:59.000Z';

  it.each([
    ['authorization.updated', data, { kind: 'attempt_approved', code: null }],
    [
      'authorization.updated',
      { ...data, status: 'declined', decline_code: 'do_not_honor' },
      { kind: 'attempt_declined', code: 'card_declined' },
    ],
    ['capture.completed', { ...data, status: 'succeeded' }, { kind: 'attempt_approved' }],
    [
      'refund.completed',
      { ...data, status: 'declined', decline_code: null },
      { kind: 'attempt_declined', code: 'card_declined' },
    ],
    [
      'dispute.opened',
      { ...data, idempotency_key: null, status: 'opened', reason: 'fraudulent' },
      { kind: 'dispute_opened', idempotencyKey: null, code: 'fraudulent', amount: '1999', asset: 'USD' },
    ],
    [
      'dispute.opened',
      { ...data, evidence_due_by: '2026-01-15T01:00:00+01:00' },
      { kind: 'dispute_opened', evidenceDueBy: '2026-01-15T00:00:00.000Z' },
    ],
    ...[
      undefined,
      null,
      1_768_435_200,
      'in two weeks',
      '2026-01-15T00:00:00',
      '2026-13-15T00:00:00Z',
      '0000-01-15T00:00:00Z',
    ].map((evidence_due_by): [string, object, object] => [
      'dispute.opened',
      { ...data, evidence_due_by },
      { kind: 'dispute_opened', evidenceDueBy: null },
    ]),
    ['dispute.won', { ...data, status: 'won' }, { kind: 'dispute_won' }],
    ['dispute.lost', { ...data, status: 'lost' }, { kind: 'dispute_lost' }],
    ['dispute.opened', { ...data, amount: null }, { kind: 'dispute_opened', amount: null, asset: null }],
  ])('%s', (type, what, expected) => {
    const notice = read({ type, timestamp, data: what });
    expect(notice).toMatchObject({
      id: 'msg_1',
      merchantReference: 'org_1/test/pay_1',
      reference: 'auth_1',
      occurredAt: timestamp,
      ...expected,
    });
  });

  it.each([
    ['a type that is not known', { type: 'payout.paid', timestamp, data }],
    ['a state on the way', { type: 'authorization.updated', timestamp, data: { ...data, status: 'action_required' } }],
    ['a name of every object', { type: 'constructor', timestamp, data }],
    ['nothing to go by', { type: 'capture.completed', timestamp, data: { id: 'op_1', status: 'succeeded' } }],
    ...[{ value: '-5', currency: 'USD' }, { value: 5, currency: 'USD' }, { value: '5' }, '5'].map(
      (amount): [string, object] => [
        `a dispute of a sum that cannot be read: ${JSON.stringify(amount)}`,
        { type: 'dispute.opened', timestamp, data: { ...data, amount } },
      ],
    ),
    ['no JSON', '<html>'],
    ['no object', '[]'],
  ])('says nothing that concerns us: %s', (_what, message) => {
    expect(read(message)).toBeNull();
  });
});
