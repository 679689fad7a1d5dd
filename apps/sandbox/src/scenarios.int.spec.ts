import { startSandbox, until, type Sandbox } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, fresh, usd, type Reply } from './testing/client.js';
import { MerchantServer } from './testing/merchant-server.js';

const SLOW_MS = 300;
const LATE_MS = 600;
const PATIENCE_MS = 200;

let sandbox: Sandbox;
let client: Client;
const merchant = new MerchantServer();

beforeAll(async () => {
  sandbox = await startSandbox({
    webhookUrl: await merchant.listen(),
    environment: { SANDBOX_SLOW: `${SLOW_MS}ms`, SANDBOX_LATE: `${LATE_MS}ms` },
  });
  client = new Client(sandbox);
});
afterAll(async () => {
  await client?.close();
  await sandbox?.stop();
  await merchant.close();
});

/** An operation that can be asked for once, of a fresh authorization where it is about one, with the scenario on it. */
interface Asked {
  readonly path: string;
  readonly body: object;
  readonly reference: string;
}

const operations: Readonly<Record<string, (scenario: string) => Promise<Asked>>> = {
  authorize: async (scenario) => newOne(scenario, false),
  sale: async (scenario) => newOne(scenario, true),
  increment: (scenario) => onOne(scenario, 'increment', 'increments', { amount: usd('500') }),
  capture: (scenario) => onOne(scenario, 'capture', 'captures', { amount: usd('700'), final: false }),
  void: (scenario) => onOne(scenario, 'void', 'void', {}),
  refund: (scenario) => onOne(scenario, 'refund', 'refunds', { amount: usd('300') }),
  evidence: async (scenario) => {
    const { id, reference } = await client.granted(`tok_${scenario}-on-evidence`, true);
    const dispute = await sandbox.openDispute(id);
    return { path: `/v1/disputes/${dispute.id}/evidence`, body: { note: 'delivered' }, reference };
  },
};

function newOne(scenario: string, capture: boolean): Asked {
  const { path, sent, reference } = client.authorize(`tok_${scenario}`, { capture });
  return { path, body: sent.body, reference };
}

async function onOne(scenario: string, type: string, path: string, body: object): Promise<Asked> {
  const { id, reference } = await client.granted(`tok_${scenario}-on-${type}`, type === 'refund');
  return { path: `/v1/authorizations/${id}/${path}`, body, reference };
}

function ask(type: string, scenario: string): Promise<Asked> {
  const operation = operations[type];
  if (!operation) throw new Error(`no operation ${type}`);
  return operation(scenario);
}

const all = Object.keys(operations);
const decidedByIssuer = ['authorize', 'sale', 'increment', 'capture', 'refund'];
const each = (types: readonly string[]) => types.map((type) => [type] as const);

/** What the API says of the operation that a key has asked for: a view, or none. */
const done = async (key: string) => (await sandbox.requests(key))[0]?.done;
const succeeded = { status: 'succeeded', decline_code: null };

describe('declines', () => {
  it.each(each(decidedByIssuer))('%s: the answer says so, and so does the inquiry; nothing moved', async (type) => {
    const { path, body, reference } = await ask(type, 'decline_insufficient_funds');
    const before = await sandbox.books(reference);
    const key = fresh();
    const { status, body: said } = await client.send(path, { key, body });
    expect({ status, said: said.status, code: said.decline_code }).toEqual({
      status: 201,
      said: 'declined',
      code: 'insufficient_funds',
    });
    expect(await client.inquire(key)).toMatchObject({ status: 'declined', decline_code: 'insufficient_funds' });
    expect(moved(await sandbox.books(reference))).toEqual(moved(before));
  });

  it('of the acquirer, not of the card, can be tried elsewhere', async () => {
    const { path, sent } = client.authorize('tok_try_elsewhere');
    expect((await client.send(path, sent)).body).toMatchObject({
      status: 'declined',
      decline_code: 'acquirer_unavailable',
      can_retry_elsewhere: true,
    });
  });

  it('is none where a part is approved: the answer, the inquiry and the books say how much', async () => {
    const { path, sent, key, reference } = client.authorize('tok_approve_part', { capture: true });
    const part = { status: 'captured', amount: usd('1999'), authorized: usd('667'), captured: usd('667') };
    expect((await client.send(path, sent)).body).toMatchObject(part);
    expect(await client.inquire(key)).toMatchObject({ ...succeeded, amount: usd('1999'), authorization: part });
    expect(await sandbox.books(reference)).toMatchObject([{ authorized: '667', captured: '667' }]);
  });

  it('by the last four digits of an amount', async () => {
    const { id } = await client.granted('tok_visa', true, '50000');
    const refund = { key: fresh(), body: { amount: usd('19003') } };
    expect((await client.send(`/v1/authorizations/${id}/refunds`, refund)).body).toMatchObject({
      status: 'declined',
      decline_code: 'card_expired',
    });
  });
});

describe('faults: done once, whatever the first delivery was told, and a copy gets the answer', () => {
  type Told = (first: Reply | 'nothing') => void;
  const nothing: Told = (first) => expect(first).toBe('nothing');
  const error500: Told = (first) => expect(first).toMatchObject({ status: 500, body: { code: 'internal_error' } });
  const faults: readonly [string, Told, number][] = [
    ['silent', nothing, 1],
    ['500_after', error500, 1],
    ['cut_after', nothing, 1],
    ['silent_before', nothing, 0],
    ['500_before', error500, 0],
  ];
  const cases = faults.flatMap(([fault, told, isDone]) => all.map((type) => ({ fault, type, told, isDone })));

  it.each(cases)('$fault on $type', async ({ fault, type, told, isDone }) => {
    const { path, body } = await ask(type, fault);
    const key = fresh();
    told(await client.outcome(path, { key, body, patience_ms: fault.startsWith('silent') ? PATIENCE_MS : 10_000 }));
    expect(await done(key)).toBe(isDone);
    const found = await client.inquire(key);
    if (isDone === 1) expect(found).toMatchObject(succeeded);
    else expect(found).toBeUndefined();
    const copy = await client.send(path, { key, body });
    expect(copy.status).toBe(201);
    expect((await client.send(path, { key, body })).text).toBe(copy.text);
    expect(await client.inquire(key)).toMatchObject({ ...succeeded, idempotency_key: key });
  });

  it.each(each(all))('slow on %s', async (type) => {
    const { path, body } = await ask(type, 'slow');
    const key = fresh();
    const slow = client.send(path, { key, body });
    await until('it is done before it is answered', async () => (await done(key)) === 1);
    expect((await slow).status).toBe(201);
  });
});

describe('an inquiry that contradicts', () => {
  it.each(each(all))('%s: says at first that nobody has heard of it', async (type) => {
    const { path, body } = await ask(type, 'inquiry_lies');
    const key = fresh();
    expect((await client.send(path, { key, body })).status).toBe(500);
    expect(await client.inquire(key)).toBeUndefined();
    expect(await client.inquire(key)).toMatchObject(succeeded);
  });

  it.each(each(all))('%s: says at first that it was declined', async (type) => {
    const { path, body } = await ask(type, 'inquiry_denies');
    const key = fresh();
    expect((await client.send(path, { key, body })).status).toBe(500);
    expect(await client.inquire(key)).toMatchObject({ status: 'declined', decline_code: 'card_declined' });
    expect(await client.inquire(key)).toMatchObject(succeeded);
  });
});

describe('a late success', () => {
  it.each(each(all))('%s: is pending, then done once, and told', async (type) => {
    const { path, body, reference } = await ask(type, 'late_success');
    const key = fresh();
    expect(await client.outcome(path, { key, body, patience_ms: PATIENCE_MS })).toBe('nothing');
    expect(await client.inquire(key)).toMatchObject({ status: 'pending', idempotency_key: key });
    // A copy that comes meanwhile waits for the same.
    expect((await client.send(path, { key, body })).status).toBe(201);
    expect(await client.inquire(key)).toMatchObject(succeeded);
    if (type !== 'evidence')
      await until('it is told', () => merchant.about(reference).some(({ data }) => data.idempotency_key === key));
    expect(await sandbox.requests(key)).toMatchObject([{ received: 2, done: 1, scenario: 'late_success' }]);
  });
});

describe('an action of the customer', () => {
  it('is asked for, and approved by a button', async () => {
    const { path, sent, key, reference } = client.authorize('tok_action', { capture: true });
    const asked = await client.send(path, sent);
    expect(asked.body).toMatchObject({ status: 'action_required', captured: usd('0') });
    expect(await client.inquire(key)).toMatchObject({ status: 'action_required' });
    const page = await fetch(asked.body.action?.url ?? '');
    const [, approve = ''] = /action="([^"]*approve)"/.exec(await page.text()) ?? [];
    expect(page.headers.get('content-type')).toContain('text/html');
    const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    expect(await (await fetch(sandbox.url + approve, form)).text()).toContain('captured');
    expect((await fetch(sandbox.url + approve, form)).status).toBe(422);
    expect(await client.inquire(key)).toMatchObject({ status: 'succeeded', authorization: { captured: usd('1999') } });
    // What was answered once is answered again.
    expect((await client.send(path, sent)).text).toBe(asked.text);
    await until('both are told', () => merchant.about(reference).length === 2);
    expect(
      merchant
        .about(reference)
        .map(({ data }) => [data.status, data.idempotency_key])
        .sort(),
    ).toEqual([
      ['action_required', key],
      ['captured', key],
    ]);
  });

  it('is denied', async () => {
    const { path, sent, key } = client.authorize('tok_action');
    await sandbox.completeAction((await client.send(path, sent)).body.id, 'deny');
    expect(await client.inquire(key)).toMatchObject({ status: 'declined', decline_code: 'authentication_failed' });
  });

  it('is done, and the acquirer cannot go on: another may', async () => {
    const { path, sent, key } = client.authorize('tok_action');
    await sandbox.completeAction((await client.send(path, sent)).body.id, 'elsewhere');
    expect(await client.inquire(key)).toMatchObject({
      status: 'declined',
      authorization: { status: 'declined', decline_code: 'acquirer_unavailable', can_retry_elsewhere: true },
    });
  });
});

describe('a campaign by chance', () => {
  it('meets its scenarios, charges nobody twice, and leaves books that add up', async () => {
    await sandbox.settings({ chaos: 0.5, slow_ms: 50, late_ms: 50 });
    const keys = Array.from({ length: 200 }, () => client.authorize('tok_mastercard', { capture: true }));
    await Promise.all(
      keys.map(({ path, sent, key }) =>
        until(`${key} is answered`, async () => {
          const said = await client.outcome(path, { ...sent, patience_ms: PATIENCE_MS });
          return said !== 'nothing' && said.status === 201;
        }),
      ),
    );
    await sandbox.settings({ chaos: 0, slow_ms: SLOW_MS, late_ms: LATE_MS });
    const campaign = new Set(keys.map(({ key }) => key));
    const requests = (await sandbox.requests()).filter(({ idempotency_key }) => campaign.has(idempotency_key));
    const played = new Set(requests.map(({ scenario }) => scenario));
    expect(requests.map(({ done: isDone }) => isDone)).toEqual(keys.map(() => 1));
    expect(played.size).toBeGreaterThan(10);
    expect(await sandbox.check()).toMatchObject({ balanced: true, problems: [], double_charges: [] });
  });
});

function moved(pages: Awaited<ReturnType<Sandbox['books']>>) {
  return pages.filter(({ authorized }) => authorized !== '0');
}
