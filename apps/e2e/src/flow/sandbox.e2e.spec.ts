import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { House } from '../house/house.js';

describe('a house with an acquirer', () => {
  let house: House;
  beforeAll(async () => {
    house = await House.setUp({ name: 'sandbox', sandbox: { SANDBOX_CHAOS: '0.1', SANDBOX_SEED: 'a seed' } });
    // The acquirer alone is enough for this.
    await house.startServices([]);
  });
  afterAll(() => house?.close());

  it('has books that outlive a kill, and settings as it was told', async () => {
    const sale = {
      merchant_reference: 't/test/pay_1',
      amount: { value: '1999', currency: 'USD' },
      token: 'tok_visa',
      capture: true,
    };
    const answer = await fetch(`${house.sandbox.url}/v1/authorizations`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${house.sandbox.environment['CARDS_API_KEY']}`,
        'content-type': 'application/json',
        'idempotency-key': 'first',
      },
      body: JSON.stringify(sale),
    });
    expect(answer.status).toBe(201);
    await house.sandbox.kill();
    await house.sandbox.start();
    expect(await house.sandbox.settings({})).toMatchObject({ chaos: 0.1 });
    expect(await house.sandbox.books('t/test/pay_1')).toMatchObject([{ captured: '1999', net: '1999' }]);
  });
});
