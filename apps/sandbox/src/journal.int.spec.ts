import { startSandbox, until, type Sandbox } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, fresh, usd } from './testing/client.js';
import { MerchantServer } from './testing/merchant-server.js';

let sandbox: Sandbox;
let client: Client;
const merchant = new MerchantServer();

beforeAll(async () => {
  sandbox = await startSandbox({ webhookUrl: await merchant.listen(), environment: { SANDBOX_LATE: '1500ms' } });
  client = new Client(sandbox);
});
afterAll(async () => {
  await client?.close();
  await sandbox?.stop();
  await merchant.close();
});

async function killAndStart(): Promise<void> {
  await sandbox.kill();
  await sandbox.start();
}

describe('a sandbox that was killed with -9', () => {
  it('has the same books, and gives the same answers, byte for byte', async () => {
    const { path, sent } = client.authorize('tok_visa', { capture: true, amount: '1000' });
    const first = await client.send(path, sent);
    const refund = { key: fresh(), body: { amount: usd('300') } };
    const refunds = `/v1/authorizations/${first.body.id}/refunds`;
    const refunded = await client.send(refunds, refund);
    const dispute = await sandbox.openDispute(first.body.id, { amount: '200' });
    const books = await sandbox.books();

    await killAndStart();
    expect(await sandbox.books()).toEqual(books);
    expect(await sandbox.check()).toMatchObject({ balanced: true, operations: 3 });
    expect((await client.send(path, sent)).text).toBe(first.text);
    expect((await client.send(refunds, refund)).text).toBe(refunded.text);
    await sandbox.decideDispute(dispute.id, 'won');
    expect(await sandbox.books()).toMatchObject([{ disputed: '200', dispute_reversed: '200', net: '700' }]);
  });

  it('does what it had accepted, once', async () => {
    const { path, sent, key, reference } = client.authorize('tok_late_success', { capture: true });
    const interrupted = client.outcome(path, sent);
    await until('it is accepted', async () => (await client.inquire(key))?.status === 'pending');
    await killAndStart();
    expect(await interrupted).toBe('nothing');
    // Nobody has asked again.
    await until('it is done', async () => (await client.inquire(key))?.status === 'succeeded');
    expect((await client.send(path, sent)).status).toBe(201);
    expect(await sandbox.books(reference)).toMatchObject([{ authorizations: 1, captured: '1999' }]);
    await until('it is told', () => merchant.about(reference).length === 1);
  });

  it('tells what it had not told', async () => {
    merchant.refuseNext = 1_000;
    const { reference } = await client.granted();
    await until('it was tried', () => merchant.refused > 0);
    await sandbox.kill();
    merchant.refuseNext = 0;
    await sandbox.start();
    const [told] = await until('it is told', () => merchant.about(reference).length > 0 && merchant.about(reference));
    expect(told).toMatchObject({ type: 'authorization.updated', data: { status: 'authorized' } });
  });

  it('was in the middle of operations: each is there whole, with the answer that its caller had', async () => {
    const before = (await sandbox.check()).operations;
    const asked = Array.from({ length: 400 }, () => client.authorize('tok_visa', { capture: true, amount: '10' }));
    const answers = asked.map(({ path, sent }) => client.outcome(path, sent));
    await until('some are done', async () => (await sandbox.check()).operations > before + 20);
    await killAndStart();
    const settled = await Promise.all(answers);
    const again = await Promise.all(asked.map(({ path, sent }) => client.send(path, sent)));
    for (const [at, answer] of settled.entries()) if (answer !== 'nothing') expect(again[at]?.text).toBe(answer.text);
    expect(await sandbox.check()).toMatchObject({
      balanced: true,
      double_charges: [],
      operations: before + asked.length,
    });
  });
});

describe('a reset', () => {
  it('forgets everything, the journal too', async () => {
    await client.granted();
    await sandbox.reset();
    expect(await sandbox.books()).toEqual([]);
    await killAndStart();
    expect(await sandbox.check()).toMatchObject({ balanced: true, operations: 0, books: [] });
  });
});
