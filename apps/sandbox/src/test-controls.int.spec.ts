import { startSandbox, until, type Sandbox } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Client, fresh } from './testing/client.js';

let sandbox: Sandbox;
let client: Client;

beforeAll(async () => {
  sandbox = await startSandbox();
  client = new Client(sandbox);
});
afterEach(() => sandbox.reset());
afterAll(async () => {
  await client?.close();
  await sandbox?.stop();
});

const isUp = () =>
  client.get('/v1/books').then(
    () => true,
    () => false,
  );

describe('test controls', () => {
  it('limit the rate: 429 with Retry-After, and nothing is done under the key', async () => {
    await sandbox.settings({ rate_limit: { per_second: 0, retry_after_s: 7 } });
    const { path, sent, key } = client.authorize('tok_visa');
    const limited = await client.send(path, sent);
    expect(limited).toMatchObject({ status: 429, body: { code: 'rate_limited' }, headers: { 'retry-after': '7' } });
    await sandbox.settings({ rate_limit: null });
    expect((await client.send(path, sent)).status).toBe(201);
    expect(await sandbox.requests(key)).toMatchObject([{ received: 1, done: 1 }]);
  });

  it('keep every request waiting, and then it is done', async () => {
    const { path, sent, key } = client.authorize('tok_visa');
    await sandbox.settings({ latency_ms: 400 });
    expect(await client.outcome(path, { ...sent, patience_ms: 100 })).toBe('nothing');
    await until('it is done all the same', async () => (await sandbox.requests(key))[0]?.done === 1);
  });

  it('make it silent: nothing is done and nothing is said', async () => {
    await sandbox.settings({ silent: true });
    const { path, sent } = client.authorize('tok_visa');
    expect(await client.outcome(path, { ...sent, patience_ms: 200 })).toBe('nothing');
    expect((await sandbox.check()).operations).toBe(0);
    await sandbox.settings({ silent: false });
    expect((await client.send(path, sent)).status).toBe(201);
  });

  it('have it play no scenario, by token, by amount or by chance, until it is told to again', async () => {
    await sandbox.settings({ plain: true, chaos: 1 });
    const statusOf = async (token: string, amount = '1999') => {
      const { path, sent } = client.authorize(token, { amount });
      return (await client.send(path, sent)).body.status;
    };
    for (const [token, amount] of [['tok_try_elsewhere'], ['tok_visa', '19001'], ['tok_visa']] as const)
      expect(await statusOf(token, amount)).toBe('authorized');
    await sandbox.settings({ plain: false, chaos: 0 });
    expect(await statusOf('tok_try_elsewhere')).toBe('declined');
  });

  it('close the port for a while, and every connection', async () => {
    await client.granted();
    await sandbox.refuseConnections(500);
    await until('nobody gets in', async () => !(await isUp()));
    await until('it is back', isUp);
    expect((await sandbox.check()).operations).toBe(1);
  });

  it('dispute what was captured, and no more of it', async () => {
    const { id } = await client.granted('tok_visa', true, '1000');
    await expect(sandbox.openDispute(id, { amount: '1001' })).rejects.toThrow('dispute_exceeds_captured');
    const dispute = await sandbox.openDispute(id);
    expect(dispute).toMatchObject({ status: 'opened', authorization: id, amount: { value: '1000' } });
    const { opened_at, evidence_due_by } = dispute as unknown as Record<'opened_at' | 'evidence_due_by', string>;
    expect(Date.parse(evidence_due_by) - Date.parse(opened_at)).toBe(14 * 86_400_000);
    const evidence = { note: 'signed for', tracking_number: 'Z1' };
    const given = await client.send(`/v1/disputes/${dispute.id}/evidence`, { key: fresh(), body: evidence });
    expect(given.body).toMatchObject({ type: 'evidence', status: 'succeeded', dispute: { evidence } });
    expect(await sandbox.decideDispute(dispute.id, 'lost')).toMatchObject({ status: 'lost' });
    expect((await client.get(`/v1/disputes/${dispute.id}`)).body).toMatchObject({ status: 'lost', evidence });
    expect(await sandbox.books()).toMatchObject([{ disputed: '1000', dispute_reversed: '0', net: '0' }]);
    await expect(sandbox.decideDispute(dispute.id, 'won')).rejects.toThrow('dispute_decided');
  });

  it('count what is done under two keys, which neither key tells, and show what is still set aside', async () => {
    const { id, reference } = await client.granted('tok_visa', false, '1000');
    expect((await sandbox.check()).standing).toEqual([
      { merchant_reference: reference, currency: 'USD', amount: '1000' },
    ]);
    const [first, second] = [fresh(), fresh()];
    for (const key of [first, second]) await client.send(`/v1/authorizations/${id}/void`, { key, body: {} });
    for (const key of [first, second])
      expect(await sandbox.requests(key)).toMatchObject([{ received: 1, done: 1, alike: 2 }]);
    expect((await sandbox.check()).standing).toEqual([]);
    const { id: disputed } = await client.granted('tok_visa', true, '1000');
    const dispute = await sandbox.openDispute(disputed);
    const given = async (key: string) =>
      client.send(`/v1/disputes/${dispute.id}/evidence`, { key, body: { note: 'signed for' } });
    const [once, again] = [fresh(), fresh()];
    await given(once);
    expect(await sandbox.requests(once)).toMatchObject([{ alike: 1 }]);
    await given(again);
    expect(await sandbox.requests(once)).toMatchObject([{ alike: 2 }]);
    expect(await sandbox.requests(fresh())).toEqual([]);
  });

  it('list the scenarios', async () => {
    expect(await sandbox.scenarios()).toContainEqual(
      expect.objectContaining({ token: 'tok_500_after', amount_ending: '9024' }),
    );
  });
});
