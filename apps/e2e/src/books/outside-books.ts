import { fromUuid, uuidOf } from '@payflow/contracts';
import type { Sandbox, SandboxPage, SandboxStanding } from '@payflow/testing';
import type { CardHouse } from '../house/card-house.js';
import type { Finding } from './finding.js';

export interface CardPayment {
  readonly tenant_id: string;
  readonly id: string;
  readonly status: string;
  readonly captured: string;
  readonly refunded: string;
  /** Something is still asked of a provider for it: a void may be on its way. */
  readonly is_asking: boolean;
}

const ENDED: readonly string[] = ['succeeded', 'failed', 'canceled', 'expired'];

const CARD_PAYMENTS = `select p.tenant_id, p.id, status, amount_captured_minor as captured, amount_refunded_minor as refunded,
    a.id is not null as is_asking
  from payments p left join (select distinct tenant_id, livemode, payment_id as id from attempts where status in ('created', 'sending', 'unknown')) a
    on (a.tenant_id, a.livemode, a.id) = (p.tenant_id, p.livemode, p.id)
  where method ->> 'type' = 'card' order by p.id`;
const CLEARED = `select (posted_debits - posted_credits)::text as net, pending_debits::text, pending_credits::text from accounts where id = $1`;

/**
 * What the acquirers say they moved against what we say, payment by payment and in all: equal to the unit, nobody charged twice, and
 * nothing set aside any more for what has ended.
 */
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
    ...standingFindings(
      payments,
      checks.flatMap(({ standing }) => standing),
    ),
    ...each,
  ];
}

/** A payment that has ended needs nothing of what is set aside: its customer does. */
export function standingFindings(payments: readonly CardPayment[], standing: readonly SandboxStanding[]): Finding[] {
  const ended = new Map(
    payments
      .filter(({ status, is_asking }) => ENDED.includes(status) && !is_asking)
      .map((payment) => [referenceOf(payment), payment.status]),
  );
  return standing.flatMap(({ merchant_reference, amount, currency }) => {
    const status = ended.get(merchant_reference);
    return status === undefined
      ? []
      : [{ rule: 'outside', what: `${merchant_reference} (${status}): ${amount} ${currency} are still set aside` }];
  });
}

function referenceOf({ tenant_id, id }: CardPayment): string {
  return `${fromUuid('tenant', tenant_id)}/test/${fromUuid('payment', id)}`;
}

async function findingsOn(payment: CardPayment, sandboxes: readonly Sandbox[]): Promise<Finding[]> {
  const id = fromUuid('payment', payment.id);
  const pages = (await Promise.all(sandboxes.map((each) => each.books(referenceOf(payment))))).flat();
  const told = `captured ${sumOf(pages, 'captured')}, refunded ${sumOf(pages, 'refunded')}`;
  const ours = `captured ${payment.captured}, refunded ${payment.refunded}`;
  return told === ours ? [] : [{ rule: 'outside', what: `${id} (${payment.status}): ${ours}; outside ${told}` }];
}

/** Of our one currency. */
function sumOf(pages: readonly SandboxPage[], column: 'captured' | 'refunded' | 'net'): bigint {
  return pages.filter(({ currency }) => currency === 'USD').reduce((all, page) => all + BigInt(page[column]), 0n);
}
