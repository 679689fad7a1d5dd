import type { Client } from './gateway-under-test.js';

/** What one client has in the books. */
export interface Books {
  readonly alice: string;
  readonly bob: string;
  readonly euros: string;
  readonly transfer: string;
  readonly group: string;
  readonly hold: string;
}

/** Opens accounts for a client, moves money between them and holds some. */
export async function keepBooks(client: Client): Promise<Books> {
  const [alice, bob, euros] = [await client.open(), await client.open(), await client.open('EUR')];
  const terms = { debit_account: alice, credit_account: bob, amount: '100', asset: 'USD' };
  const group = (await client.post('/api/v1/transfers', { legs: [terms] })).body as {
    id: string;
    transfers: { id: string }[];
  };
  const hold = (await client.post('/api/v1/holds', terms)).body as { id: string };
  return { alice, bob, euros, transfer: group.transfers[0]?.id ?? '', group: group.id, hold: hold.id };
}
