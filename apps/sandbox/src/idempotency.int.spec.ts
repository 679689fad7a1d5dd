import { once } from 'node:events';
import { connect } from 'node:http2';
import { startSandbox, type Sandbox } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, fresh, usd, type Reply } from './testing/client.js';

const COPIES = 50;

let sandbox: Sandbox;
let client: Client;

beforeAll(async () => {
  sandbox = await startSandbox();
  client = new Client(sandbox);
});
afterAll(async () => {
  await client?.close();
  await sandbox?.stop();
});

const copies = (path: string, sent: object): Promise<Reply[]> =>
  Promise.all(Array.from({ length: COPIES }, () => client.send(path, sent)));
const texts = (replies: readonly Reply[]) => new Set(replies.map(({ text, status }) => `${status} ${text}`));

describe(`${COPIES} copies at once`, () => {
  it.each([['tok_visa'], ['tok_slow'], ['tok_webhook_first'], ['tok_action'], ['tok_decline_lost_card']])(
    'of an authorization by %s get one answer, and it is made once',
    async (token) => {
      await sandbox.settings({ slow_ms: 200 });
      const { path, sent, key, reference } = client.authorize(token, { capture: true });
      expect(texts(await copies(path, sent)).size).toBe(1);
      expect(await sandbox.requests(key)).toMatchObject([{ received: COPIES, done: 1, conflicts: 0 }]);
      const [page] = await sandbox.books(reference);
      expect(page?.authorizations ?? 0).toBeLessThanOrEqual(1);
    },
  );

  it.each([
    ['captures', { amount: usd('700'), final: false }, 'captured', '700'],
    ['increments', { amount: usd('700') }, 'authorized', '2699'],
    ['void', {}, 'captured', '0'],
  ])('of %s have one effect', async (operation, body, column, value) => {
    const { id, reference } = await client.granted();
    expect(texts(await copies(`/v1/authorizations/${id}/${operation}`, { key: fresh(), body })).size).toBe(1);
    expect(await sandbox.books(reference)).toMatchObject([{ [column]: value }]);
  });

  it('over one connection of HTTP/2, in one packet, have one effect', async () => {
    const { path, sent, reference } = client.authorize('tok_visa', { capture: true });
    const session = connect(sandbox.url);
    await once(session, 'connect');
    await Promise.all(
      Array.from({ length: COPIES }, async () => {
        const stream = session.request({
          ':method': 'POST',
          ':path': path,
          authorization: `Bearer ${sandbox.apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': sent.key,
        });
        stream.end(JSON.stringify(sent.body));
        stream.resume();
        await once(stream, 'end');
      }),
    );
    session.close();
    expect(await sandbox.books(reference)).toMatchObject([{ authorizations: 1, captured: '1999' }]);
  });

  it('of a refund under keys of their own give back no more than was captured', async () => {
    const { id, reference } = await client.granted('tok_visa', true, '1000');
    const replies = await Promise.all(
      Array.from({ length: COPIES }, () =>
        client.send(`/v1/authorizations/${id}/refunds`, { key: fresh(), body: { amount: usd('100') } }),
      ),
    );
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(replies.filter(({ body }) => body.code === 'refund_exceeds_captured')).toHaveLength(COPIES - 10);
    expect(await sandbox.books(reference)).toMatchObject([{ captured: '1000', refunded: '1000', net: '0' }]);
  });
});

describe('a key', () => {
  it('with another body, or for another path, is a conflict, and nothing is done', async () => {
    const { id, reference } = await client.granted();
    const key = fresh();
    const path = `/v1/authorizations/${id}/captures`;
    const first = await client.send(path, { key, body: { amount: usd('700'), final: false } });
    const other = await client.send(path, { key, body: { amount: usd('701'), final: false } });
    const elsewhere = await client.send(`/v1/authorizations/${id}/refunds`, { key, body: { amount: usd('700') } });
    for (const { status, body } of [other, elsewhere])
      expect({ status, code: body.code }).toEqual({ status: 409, code: 'idempotency_key_reused' });
    expect((await client.send(path, { key, body: { amount: usd('700'), final: false } })).text).toBe(first.text);
    expect(await sandbox.books(reference)).toMatchObject([{ captured: '700', refunded: '0' }]);
    expect(await sandbox.requests(key)).toMatchObject([{ received: 4, conflicts: 2, done: 1 }]);
  });

  it('of what was refused is refused again, although it could be done by then', async () => {
    const { id } = await client.granted();
    const path = `/v1/authorizations/${id}/refunds`;
    const sent = { key: fresh(), body: { amount: usd('700') } };
    const refused = await client.send(path, sent);
    expect(refused).toMatchObject({ status: 422, body: { code: 'refund_exceeds_captured' } });
    await client.send(`/v1/authorizations/${id}/captures`, { key: fresh(), body: { amount: usd('700'), final: true } });
    expect((await client.send(path, sent)).text).toBe(refused.text);
    expect(await client.inquire(sent.key)).toMatchObject({
      status: 'declined',
      decline_code: 'refund_exceeds_captured',
    });
  });

  it('of what was not understood is free', async () => {
    const { path, sent, key } = client.authorize('tok_nobody');
    expect((await client.send(path, sent)).status).toBe(400);
    expect((await client.send(path, client.authorize('tok_visa', { key }).sent)).status).toBe(201);
  });
});

describe('an acquirer', () => {
  const captureOf = (id: string, value: string, final = false) =>
    client.send(`/v1/authorizations/${id}/captures`, { key: fresh(), body: { amount: usd(value), final } });
  const voidOf = (id: string) => client.send(`/v1/authorizations/${id}/void`, { key: fresh(), body: {} });

  it('lets 15 % more be captured, and not a unit beyond', async () => {
    const { id } = await client.granted('tok_visa', false, '1000');
    expect((await captureOf(id, '1151')).body.code).toBe('capture_exceeds_authorized');
    expect((await captureOf(id, '1150', true)).body.authorization).toMatchObject({
      status: 'captured',
      captured: usd('1150'),
    });
  });

  it('voids the rest of a part that was captured, and nothing of a whole', async () => {
    const { id } = await client.granted('tok_visa', false, '1000');
    await captureOf(id, '400');
    expect((await voidOf(id)).body.authorization).toMatchObject({ voided: true, captured: usd('400') });
    expect((await captureOf(id, '100')).body.code).toBe('already_voided');
    const whole = await client.granted('tok_visa', true);
    expect((await voidOf(whole.id)).body.code).toBe('already_captured');
  });

  it('refuses another currency than the one that is authorized', async () => {
    const { id } = await client.granted();
    const body = { amount: { value: '100', currency: 'EUR' }, final: true };
    const answer = await client.send(`/v1/authorizations/${id}/captures`, { key: fresh(), body });
    expect(answer).toMatchObject({ status: 422, body: { code: 'currency_differs' } });
  });
});
