import { uuidOf } from '@payflow/contracts';
import type { House } from '../house/house.js';
import { isTaken, type Told } from './offered.js';

const ENDED_PAYMENTS = `select id from payment_views where id = any ($1::uuid[]) and status = 'succeeded'`;
const ENDED_REFUNDS = `select id from payment_operation_views where id = any ($1::uuid[]) and status = 'succeeded'`;
const BOOKED = `select payment_id as id from transfers where payment_id = any ($1::uuid[])`;

/** What a client was told is accepted, and is not there or not booked; empty when all is well. */
export async function lostOf({ databases }: House, told: readonly Told[]): Promise<string[]> {
  const idsOf = (kind: 'payment' | 'refund', of: Told['kind']) =>
    told.filter((one) => one.kind === of && isTaken(one)).map(({ id }) => uuidOf(kind, id ?? ''));
  const [payments, refunds] = [idsOf('payment', 'write'), idsOf('refund', 'critical')];
  const [ended, booked, given] = await Promise.all([
    databases.rows<{ id: string }>('gateway', ENDED_PAYMENTS, [payments]),
    databases.rows<{ id: string }>('ledger', BOOKED, [payments]),
    databases.rows<{ id: string }>('gateway', ENDED_REFUNDS, [refunds]),
  ]);
  return [
    ...missing(payments, ended, 'was accepted and has not succeeded'),
    ...missing(payments, booked, 'was accepted and is not booked'),
    ...missing(refunds, given, 'was accepted and is not given back'),
  ];
}

function missing(all: readonly string[], found: readonly { readonly id: string }[], what: string): string[] {
  const there = new Set(found.map(({ id }) => id));
  return all.filter((id) => !there.has(id)).map((id) => `I11: ${id} ${what}`);
}
