import { fromUuid, uuidOf } from '@payflow/contracts';
import type { Sandbox, SandboxPage } from '@payflow/testing';
import type { CardHouse } from '../house/card-house.js';
import type { Finding } from './finding.js';

interface CardPayment {
  readonly tenant_id: string;
  readonly id: string;
  readonly status: string;
  readonly captured: string;
  readonly refunded: string;
}

const CARD_PAYMENTS = `select tenant_id, id, status, amount_captured_minor as captured, amount_refunded_minor as refunded
  from payments where method ->> 'type' = 'card' order by id`;
const CLEARED = `select (posted_debits - posted_credits)::text as net, pending_debits::text, pending_credits::text from accounts where id = $1`;

/** What the acquirer says it moved against what we say, payment by payment and in all: equal to the unit, and nobody charged twice. */
export async function outsideFindings(
  { house, sandbox, clearing }: CardHouse,
  { paymentByPayment = true, others = [] }: { paymentByPayment?: boolean; others?: readonly Sandbox[] } = {},
): Promise<Finding[]> {
  const [check, payments, cleared] = await Promise.all([
    sandbox.check(),
    house.databases.rows<CardPayment>('payments', CARD_PAYMENTS),
    house.databases.rows<{ net: string }>('ledger', CLEARED, [uuidOf('account', clearing)]),
  ]);
  const netOf = (books: readonly SandboxPage[]) => BigInt(books.find(({ currency }) => currency === 'USD')?.net ?? '0');
  const elsewhere = await Promise.all(others.map((other) => other.books()));
  const outside = [check.books, ...elsewhere].reduce((all, books) => all + netOf(books), 0n).toString();
  const ours = cleared[0]?.net ?? '0';
  const each: Finding[] = [];
  if (paymentByPayment) for (const payment of payments) each.push(...(await findingsOn(payment, sandbox)));
  return [
    ...check.problems.map((what) => ({ rule: 'outside', what })),
    ...check.double_charges.map((what) => ({ rule: 'outside', what: `charged twice: ${what}` })),
    ...(outside === ours
      ? []
      : [{ rule: 'outside', what: `the acquirer owes ${outside}, the clearing account has ${ours}` }]),
    ...each,
  ];
}

async function findingsOn(payment: CardPayment, sandbox: CardHouse['sandbox']): Promise<Finding[]> {
  const id = fromUuid('payment', payment.id);
  const reference = `${fromUuid('tenant', payment.tenant_id)}/test/${id}`;
  const [page] = await sandbox.books(reference);
  const told = textOf(page);
  const ours = `captured ${payment.captured}, refunded ${payment.refunded}`;
  return told === ours ? [] : [{ rule: 'outside', what: `${id} (${payment.status}): ${ours}; outside ${told}` }];
}

function textOf(page: SandboxPage | undefined): string {
  return `captured ${page?.captured ?? '0'}, refunded ${page?.refunded ?? '0'}`;
}
