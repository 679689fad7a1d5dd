import { startSandbox, until, type Sandbox } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, fresh, usd } from './testing/client.js';
import { MerchantServer } from './testing/merchant-server.js';

let sandbox: Sandbox;
let client: Client;
const merchant = new MerchantServer();

beforeAll(async () => {
  sandbox = await startSandbox({ webhookUrl: await merchant.listen() });
  client = new Client(sandbox);
});
afterAll(async () => {
  await client?.close();
  await sandbox?.stop();
  await merchant.close();
});

const typesAbout = (reference: string) => merchant.about(reference).map(({ type }) => type);
const toldOf = (reference: string, count: number) =>
  until(
    `${count} webhooks about ${reference}`,
    () => merchant.about(reference).length >= count && merchant.about(reference),
  );

async function onOne(id: string, operation: string, body: object) {
  return client.send(`/v1/authorizations/${id}/${operation}`, { key: fresh(), body });
}

describe('webhooks', () => {
  it('tell of every operation, signed, with reference and key', async () => {
    const { path, sent, key, reference } = client.authorize('tok_visa');
    const { id } = (await client.send(path, sent)).body;
    const operations = [
      ['increments', { amount: usd('100') }],
      ['captures', { amount: usd('500'), final: false }],
      ['refunds', { amount: usd('200') }],
      ['void', {}],
    ] as const;
    for (const [at, [operation, body]] of operations.entries()) {
      await onOne(id, operation, body);
      await toldOf(reference, at + 2);
    }
    const dispute = await sandbox.openDispute(id, { amount: '300', reason: 'not_received' });
    await toldOf(reference, 6);
    await sandbox.decideDispute(dispute.id, 'won');
    const told = await toldOf(reference, 7);
    expect(told.map(({ type, data }) => `${type} ${data.status}`)).toEqual([
      'authorization.updated authorized',
      'increment.completed succeeded',
      'capture.completed succeeded',
      'refund.completed succeeded',
      'void.completed succeeded',
      'dispute.opened opened',
      'dispute.won won',
    ]);
    expect(told[0]?.data.idempotency_key).toBe(key);
    expect(told.at(-1)?.data.idempotency_key).toBeNull();
    expect(new Set(told.map((one) => one.id)).size).toBe(told.length);
    for (const one of told) {
      expect(one.isSignedBy(sandbox.webhookSecret)).toBe(true);
      expect(one.isSignedBy('whsec_c29tZSBvdGhlciBzZWNyZXQ=')).toBe(false);
      expect(Math.abs(one.at_s - Date.now() / 1_000)).toBeLessThan(60);
    }
  });

  it('tell nothing of what the acquirer itself refused', async () => {
    const { id, reference } = await client.granted();
    await onOne(id, 'refunds', { amount: usd('1') });
    await onOne(id, 'void', {});
    await toldOf(reference, 2);
    expect(typesAbout(reference)).toEqual(['authorization.updated', 'void.completed']);
  });

  it('come twice under one id', async () => {
    const { path, sent, reference } = client.authorize('tok_webhook_twice');
    await client.send(path, sent);
    const [one, other] = await toldOf(reference, 2);
    expect(other?.id).toBe(one?.id);
  });

  it('come before the answer', async () => {
    const { path, sent, reference } = client.authorize('tok_webhook_first', { capture: true });
    await client.send(path, sent);
    expect(typesAbout(reference)).toEqual(['authorization.updated']);
  });

  it('come out of order: that of the capture before that of the authorization', async () => {
    const sale = client.authorize('tok_webhook_disorder', { capture: true });
    await client.send(sale.path, sale.sent);
    const told = await toldOf(sale.reference, 2);
    expect(told.map(({ type, data }) => [type, data.status, data.idempotency_key])).toEqual([
      ['capture.completed', 'succeeded', sale.key],
      ['authorization.updated', 'authorized', sale.key],
    ]);

    const { id, reference } = await client.granted('tok_webhook_disorder');
    await onOne(id, 'captures', { amount: usd('500'), final: true });
    await toldOf(reference, 2);
    expect(typesAbout(reference)).toEqual(['capture.completed', 'authorization.updated']);
  });

  it('that are held back come in the end, when nothing else does', async () => {
    const { reference } = await client.granted('tok_webhook_disorder');
    expect(await toldOf(reference, 1)).toHaveLength(1);
  });

  it('come again until they are taken', async () => {
    merchant.refuseNext = 2;
    const { reference } = await client.granted();
    const [told] = await toldOf(reference, 1);
    expect(merchant.refused).toBe(2);
    const delivered = await until('the sandbox knows that it was taken', async () =>
      (await sandbox.webhooks()).find(({ id, status }) => id === told?.id && status === 'delivered'),
    );
    expect(delivered).toMatchObject({ attempts: 3, type: 'authorization.updated' });
  });
});
