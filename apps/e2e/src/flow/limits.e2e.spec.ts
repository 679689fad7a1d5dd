import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient, jsonOf, type Reply } from '../house/api-client.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';

const ANSWERED_WITHIN_MS = 60_000;
const WAIT_S = 10;
const isFinal = ({ status }: { status: number }) => status !== 202;
const isAccepted = ({ status }: { status: number }) => status === 202;

interface Demonstration {
  readonly apiKey: string;
  readonly payment: object;
}

type Resource = Record<string, unknown> & { readonly id: string };

describe('limits, rules and reviews over HTTP', () => {
  let house: House;
  let merchant: Merchant;
  let source: string;
  let destination: string;
  let shown: Demonstration;

  beforeAll(async () => {
    house = await House.open({ name: 'limits' });
    // First, so that the house is its owner's.
    shown = await demonstration();
    merchant = await Merchant.open(house.databases, house.api, 2);
    [source = '', destination = ''] = merchant.accounts;
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
  });

  async function post(path: string, body: object, { api = merchant.api, wait_s = WAIT_S, isEnough = isFinal } = {}) {
    const options = { body: JSON.stringify(body), idempotencyKey: newId('event'), wait_s };
    return until(
      `${path} is answered`,
      async () => {
        const answer = await api.call(`/api/v1${path}`, options);
        return answer.kind === 'answer' && isEnough(answer) ? answer : undefined;
      },
      ANSWERED_WITHIN_MS,
    );
  }
  const demonstration = async () =>
    JSON.parse(await house.installation.payflow('demo', '--api', house.api)) as Demonstration;
  async function remove(path: string) {
    const options = { method: 'DELETE', idempotencyKey: newId('event'), wait_s: WAIT_S };
    return until(`${path} is deleted`, async () => {
      const answer = await merchant.api.call(`/api/v1${path}`, options);
      return answer.kind === 'answer' && isFinal(answer) ? answer : undefined;
    });
  }
  const read = async (path: string) => jsonOf<Resource>(await merchant.api.call(`/api/v1${path}`));
  const payment = (amount: string) => ({ source, destination, amount, asset: 'USD' });
  const told = (reply: Reply) => jsonOf<{ payment?: { failure: object } }>(reply).payment?.failure;

  it('a limit is kept to the last unit, and told by the service that keeps it', async () => {
    const made = await post('/limits', { kind: 'per_day', asset: 'USD', amount: '250' });
    expect(made.status).toBe(201);
    const limit = jsonOf<Resource>(made);
    expect((await post('/payments', payment('100'))).status).toBe(201);
    expect((await post('/payments', payment('150'))).status).toBe(201);
    const refused = await post('/payments', payment('1'));
    expect([refused.status, told(refused)]).toEqual([402, { code: 'limit_exceeded', reason: 'per_day' }]);
    expect(await read(`/limits/${limit.id}/use`)).toMatchObject({ used: '250', reserved: '0', left: '0', payments: 2 });
    const raised = await post('/limits', { id: limit.id, kind: 'per_day', asset: 'USD', amount: '100000' });
    expect(jsonOf(raised)).toMatchObject({ version: 2 });
  });

  it('a limit that is deleted holds no payment up', async () => {
    const limit = jsonOf<Resource>(await post('/limits', { kind: 'per_payment', asset: 'USD', amount: '10' }));
    expect(told(await post('/payments', payment('11')))).toEqual({ code: 'limit_exceeded', reason: 'per_payment' });
    const gone = await remove(`/limits/${limit.id}`);
    expect([gone.status, jsonOf<Resource>(gone)]).toMatchObject([200, { id: limit.id, version: 2 }]);
    expect((await post('/payments', payment('11'))).status).toBe(201);
    expect(await read(`/limits/${limit.id}`)).toMatchObject({ code: 'not_found' });
    expect(await read(`/limits/${limit.id}/use`)).toMatchObject({ code: 'not_found' });
  });

  it('a payment waits for a human, and goes on or ends as they say', async () => {
    const rule = await post('/risk_rules', {
      ...{ priority: 1, verdict: 'review', reason: 'large' },
      conditions: { asset: ['USD'], amount_gte: '1000' },
    });
    expect(rule.status).toBe(201);
    const waits = async () => {
      const id = newId('payment');
      // It waits for somebody, and nobody is to wait for it.
      const answer = await post('/payments', { id, ...payment('1000') }, { wait_s: 0, isEnough: isAccepted });
      expect(answer.status).toBe(202);
      return id;
    };
    const [good, bad] = [await waits(), await waits()];
    const open = await until('both are in the queue', async () => {
      const { data } = (await read('/reviews?status=open')) as unknown as { data: Resource[] };
      return data.length === 2 ? data : undefined;
    });
    // The rule ends before they are decided, and what it has asked for does not.
    const { id } = jsonOf<Resource>(rule);
    const gone = await remove(`/risk_rules/${id}`);
    expect([gone.status, jsonOf<Resource>(gone)]).toMatchObject([200, { id, version: 2, verdict: 'review' }]);
    expect(await read(`/risk_rules/${id}`)).toMatchObject({ code: 'not_found' });
    expect((await post('/payments', payment('1000'))).status).toBe(201);
    const reviewOf = (id: string) => open.find(({ payment: of }) => of === id)?.id ?? '';
    expect(await read(`/payments/${good}`)).toMatchObject({ status: 'pending' });
    expect((await post(`/reviews/${reviewOf(good)}/approve`, { reason: 'known' })).status).toBe(200);
    expect((await post(`/reviews/${reviewOf(bad)}/deny`, { reason: 'unknown' })).status).toBe(200);
    await until('the good one is paid', async () => (await read(`/payments/${good}`))['status'] === 'succeeded');
    await until('the bad one is not', async () => (await read(`/payments/${bad}`))['status'] === 'failed');
    expect(await read(`/payments/${bad}`)).toMatchObject({ failure: { code: 'review_denied', reason: 'large' } });
    expect((await post(`/reviews/${reviewOf(bad)}/approve`, { reason: 'sorry' })).status).toBe(409);
  });

  it('the demonstration of a house whose owner has set limits tells how its payment went', async () => {
    const { apiKey, payment: first } = shown;
    expect(first).toMatchObject({ status: 'succeeded' });
    const theirs = new ApiClient(house.api, apiKey);
    const limited = await post('/limits', { kind: 'per_payment', asset: 'USD', amount: '1000' }, { api: theirs });
    theirs.close();
    expect(limited.status).toBe(201);
    const again = await demonstration();
    expect(again.apiKey).toBe(apiKey);
    const failure = { code: 'limit_exceeded', reason: 'per_payment' };
    expect(again.payment).toMatchObject({ status: 'failed', failure });
  });
});
