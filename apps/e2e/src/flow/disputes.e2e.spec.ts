import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Acquirer } from '../house/acquirer.js';
import { jsonOf } from '../house/api-client.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';
import { scratchDir } from '../house/scratch.js';
import type { Environment } from '../house/service-process.js';

/** What the sandbox signs with where nothing else is said. */
const WEBHOOK_SECRET = 'whsec_cGF5Zmxvdy1kZXZlbG9wbWVudC1jYXJkcy13ZWJob29r';
const WHOLE = '1000000';
const DISPUTED = '400000';
const WITHIN_MS = 60_000;

interface Dispute {
  readonly id: string;
  readonly status: string;
  readonly leg: string;
  readonly transfer: string | null;
  readonly return_transfer: string | null;
}

describe('a dispute, from the acquirer’s webhook to the books', () => {
  let acquirer: Acquirer;
  let house: House;
  let merchant: Merchant;
  let shop: string;

  beforeAll(async () => {
    const environment: Record<string, string> = { CARDS_WEBHOOK_SECRET: WEBHOOK_SECRET };
    house = await House.setUp({ name: 'disputes', environment });
    acquirer = await Acquirer.open(scratchDir('disputing-acquirer'), {
      SANDBOX_WEBHOOK_URL: `${house.api}/api/v1/provider_webhooks/cards`,
    });
    Object.assign(environment, acquirer.environment satisfies Environment);
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

  const post = (path: string, body: object) =>
    merchant.api.call(`/api/v1${path}`, { body: JSON.stringify(body), idempotencyKey: newId('event'), wait_s: 10 });
  const disputesOf = async (payment: string) =>
    jsonOf<{ data: Dispute[] }>(await merchant.api.call(`/api/v1/payments/${payment}/disputes`)).data;
  const settled = (payment: string, leg: string) =>
    until(
      `the money is ${leg}`,
      async () => (await disputesOf(payment)).find((dispute) => dispute.leg === leg),
      WITHIN_MS,
    );

  /** A card payment that was taken, disputed at the acquirer. */
  async function disputed(): Promise<{ payment: string; atAcquirer: string; dispute: Dispute }> {
    const method = { type: 'card', token: 'tok_visa' };
    const terms = { source: merchant.world, destination: shop, amount: WHOLE, asset: 'USD', method };
    const { id: payment } = jsonOf<{ id: string }>(await post('/payments', terms));
    const authorization = await until('it is taken', async () =>
      house.databases.value<string | undefined>(
        'payments',
        `select provider_reference from payments where id = typeid_uuid($1) and status = 'succeeded'`,
        [payment],
      ),
    );
    const atAcquirer = await acquirer.dispute(authorization, DISPUTED);
    return { payment, atAcquirer, dispute: await settled(payment, 'taken') };
  }

  it('takes the money, takes evidence, and gives the money back when it is won', async () => {
    const { payment, atAcquirer, dispute } = await disputed();
    expect(dispute).toMatchObject({ status: 'needs_response', return_transfer: null });
    const refund = jsonOf<{ code: string }>(await post(`/payments/${payment}/refunds`, { amount: WHOLE }));
    expect(JSON.stringify(refund)).toContain('payment_disputed');
    const evidence = jsonOf<Dispute>(await post(`/disputes/${dispute.id}/evidence`, { receipt: 'It was delivered.' }));
    expect(evidence.status).toBe('under_review');
    await acquirer.decide(atAcquirer, 'won');
    expect(await settled(payment, 'returned')).toMatchObject({ status: 'won', transfer: dispute.transfer });
    expect(await acquirer.booked(merchant.tenant, payment)).toMatchObject({
      disputed: DISPUTED,
      dispute_reversed: DISPUTED,
    });
  });

  it('keeps what was taken when it is lost', async () => {
    const { payment, atAcquirer } = await disputed();
    await acquirer.decide(atAcquirer, 'lost');
    await until(
      'it is lost',
      async () => (await disputesOf(payment)).some(({ status }) => status === 'lost'),
      WITHIN_MS,
    );
    expect(await acquirer.booked(merchant.tenant, payment)).toMatchObject({
      disputed: DISPUTED,
      dispute_reversed: '0',
    });
    const moved = await house.databases.rows<{ direction: string; status: string }>(
      'payments',
      `select l.direction, l.status from dispute_legs l join disputes d on d.id = l.dispute_id where d.payment_id = typeid_uuid($1)`,
      [payment],
    );
    expect(moved).toEqual([{ direction: 'out', status: 'posted' }]);
  });
});
