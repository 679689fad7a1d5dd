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

/** What the acquirers say they moved against what we say, payment by payment and in all: equal to the unit, and nobody charged twice. */
export async function outsideFindings(
  { house, sandbox, clearing }: CardHouse,
  { paymentByPayment = true, others = [] }: { paymentByPayment?: boolean; others?: readonly Sandbox[] } = {},
): Promise<Finding[]> {
  const sandboxes = [sandbox, ...others];
  const [checks, payments, cleared] = await Promise.all([
    Promise.all(sandboxes.map((each) => each.check())),
    house.databases.rows<CardPayment>('payments', CARD_PAYMENTS),
    house.databases.rows<{ net: string }>('ledger', CLEARED, [uuidOf('account', clearing)]),
  ]);
  const outside = checks.reduce((all, { books }) => all + sumOf(books, 'net'), 0n).toString();
  const ours = cleared[0]?.net ?? '0';
  const each: Finding[] = [];
  if (paymentByPayment) for (const payment of payments) each.push(...(await findingsOn(payment, sandboxes)));
  return [
    ...checks.flatMap(({ problems }) => problems.map((what) => ({ rule: 'outside', what }))),
    ...checks.flatMap(({ double_charges }) =>
      double_charges.map((what) => ({ rule: 'outside', what: `charged twice: ${what}` })),
    ),
    ...(outside === ours
      ? []
      : [{ rule: 'outside', what: `the acquirer owes ${outside}, the clearing account has ${ours}` }]),
    ...each,
  ];
}

async function findingsOn(payment: CardPayment, sandboxes: readonly Sandbox[]): Promise<Finding[]> {
  const id = fromUuid('payment', payment.id);
  const reference = `${fromUuid('tenant', payment.tenant_id)}/test/${id}`;
  const pages = (await Promise.all(sandboxes.map((each) => each.books(reference)))).flat();
  const told = `captured ${sumOf(pages, 'captured')}, refunded ${sumOf(pages, 'refunded')}`;
  const ours = `captured ${payment.captured}, refunded ${payment.refunded}`;
  return told === ours ? [] : [{ rule: 'outside', what: `${id} (${payment.status}): ${ours}; outside ${told}` }];
}

/** Of our one currency. */
function sumOf(pages: readonly SandboxPage[], column: 'captured' | 'refunded' | 'net'): bigint {
  return pages.filter(({ currency }) => currency === 'USD').reduce((all, page) => all + BigInt(page[column]), 0n);
}
