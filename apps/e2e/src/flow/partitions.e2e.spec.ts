import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonOf } from '../house/api-client.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';

/** Counted every 30 s, and looked at every 10. */
const SEEN_WITHIN_MS = 90_000;

describe('partitions that are missing', () => {
  let house: House;
  let merchant: Merchant;

  beforeAll(async () => {
    house = await House.open({ name: 'partitions' });
    merchant = await Merchant.open(house.databases, house.api, 2);
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
  });

  async function reasons(): Promise<string[]> {
    const answer = await merchant.api.call('/api/v1/monitoring/health', { method: 'GET' });
    return answer.kind === 'answer' && answer.status === 200 ? ((jsonOf(answer)['reasons'] ?? []) as string[]) : [];
  }

  it('of transfers alarm before anything needs them, name service and table, and stop no traffic', async () => {
    const today = new Date();
    const far = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() + 3, 1));
    await house.databases.asSuperuser(
      'ledger',
      `drop table transfers_${far.toISOString().slice(0, 7).replace('-', '')}`,
    );
    const seen = await until(
      'monitoring says so',
      async () => (await reasons()).find((reason) => reason.includes('partitions')),
      SEEN_WITHIN_MS,
    );
    expect(seen).toBe('ledger has 2 partitions of transfers ahead, and should have 3 or more');
    expect((await fetch(`${house.service('ledger').url}/readyz`)).status).toBe(200);
    await house.databases.rows('ledger', 'select ensure_partitions(4)');
    await until(
      'nothing speaks against it any more',
      async () => !(await reasons()).some((reason) => reason.includes('partitions')),
      SEEN_WITHIN_MS,
    );
  });
});
