import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { messageFindings } from '../books/message-books.js';
import { jsonOf, type Reply } from '../house/api-client.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';

const ANSWERED_WITHIN_MS = 60_000;
const WAIT_S = 10;
type Resource = Record<string, unknown> & { readonly id: string };
const BULK_MAX = 1_000;
interface Bulk {
  readonly counts: object;
  readonly results: readonly {
    readonly id: string;
    readonly status: number;
    readonly answer: { readonly id: string; readonly status: string; readonly payment?: string };
  }[];
}
interface Leg {
  readonly debit_account: string;
  readonly credit_account: string;
  readonly amount: string;
  readonly payment: string;
}

describe('the life of a payment from account to account', () => {
  let house: House;
  let merchant: Merchant;
  let alice: string;
  let bob: string;

  beforeAll(async () => {
    house = await House.open({ name: 'life' });
    merchant = await Merchant.open(house.databases, house.api, 2);
    [alice = '', bob = ''] = merchant.accounts;
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
  });

  /** Sends until it is final, and once more: the same key has the same answer. */
  async function send(path: string, body: object = {}): Promise<Reply> {
    const options = { body: JSON.stringify(body), idempotencyKey: newId('event'), wait_s: WAIT_S };
    const reply = await until(
      `${path} is answered`,
      async () => {
        const answer = await merchant.api.call(`/api/v1${path}`, options);
        return answer.kind === 'answer' && answer.status !== 202 ? answer : undefined;
      },
      ANSWERED_WITHIN_MS,
    );
    const again = await merchant.api.call(`/api/v1${path}`, options);
    expect(again).toMatchObject({ status: reply.status, body: reply.body });
    return reply;
  }
  const told = (reply: Reply) => {
    const { code, status } = jsonOf<{ code?: string; status?: string }>(reply);
    return `${reply.status} ${code ?? status}`;
  };
  const paid = async (more: object = {}): Promise<Resource> =>
    jsonOf<Resource>(
      await send('/payments', { source: alice, destination: bob, amount: '1000', asset: 'USD', ...more }),
    );
  const read = async (path: string) => jsonOf<Resource>(await merchant.api.call(`/api/v1${path}`));
  const sums = ({ amount_authorized, amount_captured, amount_refunded }: Resource) => [
    amount_authorized,
    amount_captured,
    amount_refunded,
  ];
  /** What the ledger booked for a payment: from whom, to whom, how much. */
  const legsOf = async (id: string) => {
    const { transfers } = (await read(`/payments/${id}?expand=transfers`)) as unknown as { transfers: Leg[] };
    expect(transfers.every(({ payment }) => payment === id)).toBe(true);
    return transfers.map(({ debit_account, amount }) => `${debit_account === alice ? 'out' : 'back'} ${amount}`);
  };
  const become = async (account: string, state: string) => {
    const options = {
      method: 'PATCH',
      body: JSON.stringify({ state }),
      idempotencyKey: newId('event'),
      wait_s: WAIT_S,
    };
    const reply = await merchant.api.call(`/api/v1/accounts/${account}`, { ...options, headers: { 'if-match': '*' } });
    expect(reply).toMatchObject({ status: 200 });
  };
  const available = async () => BigInt((await read(`/accounts/${alice}`))['available'] as string);

  it('is taken at once, and given back in parts, never past what was taken', async () => {
    const { id } = await paid();
    expect(told(await send(`/payments/${id}/refunds`, { amount: '300' }))).toBe('201 succeeded');
    expect(told(await send(`/payments/${id}/refunds`, { amount: '701' }))).toBe('422 refund_exceeds_captured');
    expect(told(await send(`/payments/${id}/refunds`))).toBe('201 succeeded');
    expect(sums(await read(`/payments/${id}`))).toEqual(['1000', '1000', '1000']);
    expect(await legsOf(id)).toEqual(['out 1000', 'back 300', 'back 700']);
  });

  it('is set aside, and taken once', async () => {
    const before = await available();
    const { id, status } = await paid({ capture: 'manual' });
    expect([status, before - (await available())]).toEqual(['authorized', 1000n]);
    expect(told(await send(`/payments/${id}/capture`, { amount: '400' }))).toBe('200 succeeded');
    // What was not taken is no longer set aside.
    expect(sums(await read(`/payments/${id}`))).toEqual(['400', '400', '0']);
    expect([before - (await available()), await legsOf(id)]).toEqual([400n, ['out 400']]);
    expect(told(await send(`/payments/${id}/capture`))).toBe('409 payment_not_capturable');
  });

  it('is set aside, more and more, taken several times, and the rest called off', async () => {
    const before = await available();
    const { id } = await paid({ capture: 'manual_multiple' });
    expect(told(await send(`/payments/${id}/increment`, { amount: '500' }))).toBe('200 authorized');
    expect(told(await send(`/payments/${id}/capture`, { amount: '1200' }))).toBe('200 partially_captured');
    expect(told(await send(`/payments/${id}/cancel`, { reason: 'sold out' }))).toBe('200 succeeded');
    expect([before - (await available()), (await read(`/payments/${id}`))['amount_captured']]).toEqual([1200n, '1200']);
  });

  it('is called off, and nothing is booked', async () => {
    const before = await available();
    const { id } = await paid({ capture: 'manual' });
    expect(told(await send(`/payments/${id}/cancel`))).toBe('200 canceled');
    expect([before - (await available()), await legsOf(id)]).toEqual([0n, []]);
  });

  it('begins when it is confirmed, or is only authorized then', async () => {
    const [one, two] = [await paid({ confirm: false }), await paid({ confirm: false })];
    expect([one.status, one['next_action']]).toEqual(['requires_action', { type: 'confirm' }]);
    expect(told(await send(`/payments/${one.id}/confirm`))).toBe('200 succeeded');
    expect(told(await send(`/payments/${two.id}/authorize`))).toBe('200 authorized');
    expect(told(await send(`/payments/${two.id}/capture`))).toBe('200 succeeded');
  });

  it('is tried again where it failed, until it has succeeded', async () => {
    const failed = await send('/payments', { source: merchant.pauper, destination: bob, amount: '5', asset: 'USD' });
    const { payment } = jsonOf<{ payment: Resource }>(failed);
    expect(told(await send(`/payments/${payment.id}/retry`))).toBe('402 declined');
    await send('/payments', { source: alice, destination: merchant.pauper, amount: '5', asset: 'USD' });
    const again = jsonOf<Resource>(await send(`/payments/${payment.id}/retry`));
    expect([again['status'], again['retry_of']]).toEqual(['succeeded', payment.id]);
    const last = await send(`/payments/${payment.id}/retry`);
    expect([told(last), jsonOf<{ payment: Resource }>(last).payment['failure']]).toEqual([
      '402 declined',
      { code: 'payment_retried' },
    ]);
  });

  it('is refused of and to an account that is frozen or closed, and nothing is booked', async () => {
    const opened = async () => jsonOf<Resource>(await send('/accounts', { asset: 'USD' })).id;
    const [frozen, closed] = [await opened(), await opened()];
    await paid({ destination: frozen });
    await become(frozen, 'frozen');
    await become(closed, 'closed');
    const cases: readonly [terms: object, code: string][] = [
      [{ source: frozen }, 'account_frozen'],
      [{ destination: frozen }, 'account_frozen'],
      [{ source: frozen, capture: 'manual' }, 'account_frozen'],
      [{ source: closed }, 'account_closed'],
      [{ destination: closed }, 'account_closed'],
    ];
    for (const [terms, code] of cases) {
      const reply = await send('/payments', { source: alice, destination: bob, amount: '10', asset: 'USD', ...terms });
      const { payment } = jsonOf<{ payment: Resource }>(reply);
      expect([told(reply), payment['failure'], await legsOf(payment.id)]).toEqual(['402 declined', { code }, []]);
    }
    expect(await read(`/accounts/${frozen}`)).toMatchObject({ balance: '1000', available: '1000' });
  });

  it('is called off before payments has heard of it', async () => {
    const before = await available();
    const payments = house.service('payments');
    payments.pause();
    const ask = (path: string, body: object) =>
      merchant.api.call(`/api/v1${path}`, { body: JSON.stringify(body), idempotencyKey: newId('event'), wait_s: 0 });
    const terms = { source: alice, destination: bob, amount: '70', asset: 'USD', capture: 'manual' };
    const create = await ask('/payments', terms);
    const { id } = jsonOf<Resource>(create as Reply);
    const cancel = await ask(`/payments/${id}/cancel`, {});
    payments.resume();
    expect([create, cancel].map((reply) => (reply as Reply).status)).toEqual([202, 202]);
    const final = await until('it has ended', async () => {
      const payment = await read(`/payments/${id}`);
      return payment['status'] === 'canceled' ? payment : undefined;
    });
    expect([before - (await available()), await legsOf(id), final['amount_captured']]).toEqual([0n, [], '0']);
  });

  it('is one of many in a request, and called off and given back as one of many', async () => {
    const terms = { source: alice, destination: bob, amount: '10', asset: 'USD' };
    const payments = Array.from({ length: 60 }, (_, at) => ({ ...terms, capture: at % 2 ? 'manual' : 'automatic' }));
    const made = jsonOf<{ counts: object; results: { id: string }[] }>(await send('/payments/bulk', { payments }));
    expect(made.counts).toEqual({ total: 60, pending: 0, succeeded: 60, failed: 0 });
    const ids = made.results.map(({ id }) => id);
    const cancelled = await send('/payments/bulk_cancel', { cancellations: ids.map((payment) => ({ payment })) });
    const refunded = await send('/payments/bulk_refund', { refunds: ids.map((payment) => ({ payment })) });
    for (const reply of [cancelled, refunded])
      expect(jsonOf<{ counts: object }>(reply).counts).toEqual({ total: 60, pending: 0, succeeded: 30, failed: 30 });
  });

  it('is one of a thousand in a request, which is the most, and each has an end of its own', async () => {
    const before = await available();
    const terms = { source: alice, destination: bob, amount: '10', asset: 'USD' };
    const make = async (capture: string) => {
      const payments = Array.from({ length: BULK_MAX }, () => ({ ...terms, capture }));
      return jsonOf<Bulk>(await send('/payments/bulk', { payments })).results.map(({ id }) => id);
    };
    const [held, taken] = [await make('manual'), await make('automatic')];
    expect(before - (await available())).toBe(20_000n);
    const bulks: readonly [path: string, member: string, payments: string[], each: string][] = [
      ['/payments/bulk_cancel', 'cancellations', held, '200 canceled'],
      ['/payments/bulk_refund', 'refunds', taken, '201 succeeded'],
    ];
    for (const [path, member, payments, each] of bulks) {
      const body = { [member]: payments.map((payment) => ({ payment })) };
      const { counts, results } = jsonOf<Bulk>(await send(path, body));
      expect(counts).toEqual({ total: BULK_MAX, pending: 0, succeeded: BULK_MAX, failed: 0 });
      expect(new Set(results.map(({ status, answer }) => `${status} ${answer.status}`))).toEqual(new Set([each]));
      expect(results.map(({ answer: { id, payment = id } }) => payment)).toEqual(payments);
      const tooMany = JSON.stringify({
        [member]: [...payments, ...payments].slice(0, BULK_MAX + 1).map((payment) => ({ payment })),
      });
      const refused = await merchant.api.call(`/api/v1${path}`, { body: tooMany, idempotencyKey: newId('event') });
      expect(told(refused)).toBe('400 invalid_request');
    }
    expect(before - (await available())).toBe(0n);
  });

  it('leaves nothing that was sent unheard, or heard twice', async () => {
    // The ledger is sealed each minute: looked at once more, another message may be on its way.
    let rest: unknown[] = [];
    const isAllHeard = async () => (rest = await messageFindings(house.databases, {})).length === 0;
    await until('all is heard', isAllHeard, ANSWERED_WITHIN_MS).catch(() => undefined);
    expect(rest).toEqual([]);
  });
});
