import { uuidOf } from '@payflow/contracts';
import { ledgerFindings } from '../books/ledger-books.js';
import { paymentFindings } from '../books/payment-books.js';
import type { House } from '../house/house.js';

/** What is wrong with the books after a benchmark, as text; empty when all is well. */
export async function brokenBooks(house: House, acknowledged: readonly string[]): Promise<string[]> {
  const { databases } = house;
  const found = [...(await ledgerFindings(databases)), ...(await paymentFindings(databases, []))].map(
    ({ rule, what }) => `${rule}: ${what}`,
  );
  const booked = new Set(
    (
      await databases.rows<{ id: string }>(
        'ledger',
        'select payment_id as id from transfers where payment_id is not null',
      )
    ).map(({ id }) => id),
  );
  const unbooked = acknowledged.filter((id) => !booked.has(uuidOf('payment', id)));
  const lost = await Promise.all(
    unbooked.map(async (id) => `I11: ${id} was acknowledged and is not booked: ${await fateOf(house, id)}`),
  );
  const verified = await house.verify().then(
    () => [],
    (error: unknown) => [(error as Error).message],
  );
  return [...found, ...lost, ...verified];
}

/** What payments knows of it. */
function fateOf({ databases }: House, id: string): Promise<string> {
  return databases.value(
    'payments',
    `select coalesce(max(concat_ws(', ', status, failure_code, failure_reason)), 'unknown') from payments where id = $1`,
    [uuidOf('payment', id)],
  );
}
