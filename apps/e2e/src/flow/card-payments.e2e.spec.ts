import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Acquirer } from '../house/acquirer.js';
import { jsonOf, type Reply } from '../house/api-client.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';
import { scratchDir } from '../house/scratch.js';

/** An outcome that is not known is asked for after 5 s, and after 30 s more where the first inquiry was told a lie. */
const ANSWERED_WITHIN_MS = 90_000;
const WAIT_S = 10;
type Resource = Record<string, unknown> & { readonly id: string; readonly status: string };
interface Failed {
  readonly failure?: { readonly code: string };
}
interface Leg {
  readonly debit_account: string;
  readonly amount: string;
}

/** A payment of ten thousand, of which a part is asked for: its last four digits say what happens. */
const WHOLE = '1000000';

describe('a card payment, whatever the acquirer does', () => {
  let acquirer: Acquirer;
  let house: House;
  let merchant: Merchant;
  let shop: string;
  const made: string[] = [];

  beforeAll(async () => {
    acquirer = await Acquirer.open(scratchDir('acquirer'));
    house = await House.setUp({ name: 'cards', environment: acquirer.environment });
    await house.startServices(['ledger', 'payments']);
    await house.startServices(['gateway', 'archiver', 'monitoring']);
    merchant = await Merchant.open(house.databases, house.api, 1);
    [shop = ''] = merchant.accounts;
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
    await acquirer?.close();
  });

  /** Sends until it is answered for good. */
  function send(path: string, body: object = {}): Promise<Reply> {
    const options = { body: JSON.stringify(body), idempotencyKey: newId('event'), wait_s: WAIT_S };
    return until(
      `${path} is answered`,
      async () => {
        const answer = await merchant.api.call(`/api/v1${path}`, options);
        return answer.kind === 'answer' && answer.status !== 202 ? answer : undefined;
      },
      ANSWERED_WITHIN_MS,
    );
  }
  const told = (reply: Reply) => {
    const { code, status, payment, operation } = jsonOf<{
      code?: string;
      status?: string;
      payment?: Failed;
      operation?: Failed;
    }>(reply);
    return `${reply.status} ${operation?.failure?.code ?? payment?.failure?.code ?? code ?? status}`;
  };
  async function pay(token: string, more: object = {}): Promise<{ id: string; answer: string }> {
    const method = { type: 'card', token };
    const terms = { source: merchant.world, destination: shop, amount: WHOLE, asset: 'USD', method, ...more };
    const reply = await send('/payments', terms);
    const { id, payment } = jsonOf<{ id?: string; payment?: Resource }>(reply);
    made.push(id ?? payment?.id ?? '');
    return { id: id ?? payment?.id ?? '', answer: told(reply) };
  }
  const read = async (id: string) =>
    jsonOf<Resource & { transfers: Leg[] }>(await merchant.api.call(`/api/v1/payments/${id}?expand=transfers`));

  const total = (legs: readonly Leg[]) => legs.reduce((sum, { amount }) => sum + BigInt(amount), 0n).toString();

  /** What payments, the ledger and the acquirer each say was taken and given back: one and the same. */
  async function agreed(id: string): Promise<string[]> {
    // What the ledger tells comes another way than what payments tells, and may come later.
    const sums = await until('payments and the ledger say the same', async () => {
      const { transfers, ...payment } = await read(id);
      const kept = [payment['amount_captured'] as string, payment['amount_refunded'] as string];
      const isBack = ({ debit_account }: Leg) => debit_account === shop;
      const moved = [total(transfers.filter((leg) => !isBack(leg))), total(transfers.filter(isBack))];
      return kept.join() === moved.join() ? kept : undefined;
    });
    const { captured, refunded } = await acquirer.booked(merchant.tenant, id);
    expect([captured, refunded]).toEqual(sums);
    return sums;
  }

  it.each([
    ['tok_visa', '201 succeeded'],
    ['tok_decline_card_declined', '402 card_declined'],
    ['tok_decline_insufficient_funds', '402 insufficient_funds'],
    ['tok_slow', '201 succeeded'],
    ['tok_silent', '201 succeeded'],
    ['tok_silent_before', '201 succeeded'],
    ['tok_500_after', '201 succeeded'],
    ['tok_500_before', '201 succeeded'],
    ['tok_cut_after', '201 succeeded'],
    ['tok_webhook_twice', '201 succeeded'],
    ['tok_webhook_first', '201 succeeded'],
  ])('is taken at once with %s: %s', async (token, answer) => {
    const payment = await pay(token);
    expect(payment.answer).toBe(answer);
    expect(await agreed(payment.id)).toEqual(answer.startsWith('201') ? [WHOLE, '0'] : ['0', '0']);
  });

  it.each([
    ['capture', '10000', '200 partially_captured'],
    ['capture', '19001', '402 card_declined'],
    ['capture', '19022', '200 partially_captured'],
    ['capture', '19024', '200 partially_captured'],
    ['capture', '19026', '200 partially_captured'],
    ['refunds', '10000', '201 succeeded'],
    ['refunds', '19001', '402 card_declined'],
    ['refunds', '19024', '201 succeeded'],
    ['refunds', '19026', '201 succeeded'],
    ['increment', '10000', '200 authorized'],
    ['increment', '19001', '402 card_declined'],
    ['increment', '19024', '200 authorized'],
  ])('is asked for a %s of %s: %s', async (operation, amount, answer) => {
    const isRefund = operation === 'refunds';
    const { id } = await pay('tok_visa', { capture: isRefund ? 'automatic' : 'manual_multiple' });
    expect(
      told(await send(`/payments/${id}/${operation}`, { amount, ...(operation === 'capture' && { final: false }) })),
    ).toBe(answer);
    const taken = isRefund ? WHOLE : operation === 'capture' && answer.startsWith('2') ? amount : '0';
    expect(await agreed(id)).toEqual([taken, isRefund && answer.startsWith('2') ? amount : '0']);
  });

  it.each([
    ['tok_visa', '200 canceled'],
    ['tok_500_after-on-void', '200 canceled'],
    ['tok_cut_after-on-void', '200 canceled'],
  ])('is called off with %s: %s', async (token, answer) => {
    const { id } = await pay(token, { capture: 'manual' });
    expect(told(await send(`/payments/${id}/cancel`))).toBe(answer);
    expect(await agreed(id)).toEqual(['0', '0']);
  });

  it.each([
    ['approve', 'succeeded', [WHOLE, '0']],
    ['deny', 'failed', ['0', '0']],
  ] as const)('waits for its customer, who may %s it', async (outcome, status, sums) => {
    const { id, answer } = await pay('tok_action');
    expect(answer).toBe('201 requires_action');
    const reference = await house.databases.value(
      'payments',
      `select provider_reference from payments where status = 'requires_action'`,
    );
    await acquirer.act(reference as string, outcome);
    await send(`/payments/${id}/confirm`);
    await until('it has ended', async () => (await read(id)).status === status, ANSWERED_WITHIN_MS);
    expect(await agreed(id)).toEqual(sums);
  });

  it('is divided once it is taken, and the acquirer knows nothing of that', async () => {
    const breakdown = [{ kind: 'fee', account: merchant.pauper, basis_points: 290, fixed: '30' }];
    const { id, answer } = await pay('tok_cut_after', { breakdown });
    expect(answer).toBe('201 succeeded');
    const amounts = await until('its legs are shown', async () => {
      const { transfers } = await read(id);
      return transfers.length > 1 ? transfers.map((leg) => [leg.debit_account, leg.amount]) : undefined;
    });
    expect(amounts).toEqual([
      [merchant.world, WHOLE],
      [shop, '29030'],
    ]);
    expect((await acquirer.booked(merchant.tenant, id)).captured).toBe(WHOLE);
  });

  it('was charged once, each time, and every check holds', async () => {
    const check = await acquirer.check();
    expect(check).toMatchObject({ balanced: true, double_charges: [] });
    const sum = async (column: string) =>
      house.databases.value(
        'payments',
        `select coalesce(sum(${column}), 0)::text from payments where method ->> 'type' = 'card'`,
      );
    const books = await Promise.all(made.map((id) => acquirer.booked(merchant.tenant, id)));
    const booked = (name: 'captured' | 'refunded') =>
      total(books.map((book) => ({ debit_account: '', amount: book[name] })));
    expect([await sum('amount_captured_minor'), await sum('amount_refunded_minor')]).toEqual([
      booked('captured'),
      booked('refunded'),
    ]);
    await house.untilCaughtUp();
    await house.verify();
    await house.verifyProvider('cards', 60);
  });
});
