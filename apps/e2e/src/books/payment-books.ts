import { uuidOf } from '@payflow/contracts';
import type { Databases } from '../house/databases.js';
import type { SentPayment } from '../house/payments.js';
import type { Finding } from './finding.js';

interface PaymentRow {
  readonly id: string;
  readonly status: string;
  readonly failure_code: string | null;
  readonly version: string;
  readonly facts: string;
}

interface TransferRow {
  readonly payment_id: string;
  readonly facts: string;
}

const OWNER = `select id, status, failure_code, version, concat_ws(' ', source_account_id, destination_account_id, amount_minor, asset) as facts from payments`;
const VIEWS = `select id, status, failure_code, version, concat_ws(' ', source_account_id, destination_account_id, amount_minor, asset) as facts from payment_views`;
const TRANSFERS = `select payment_id, concat_ws(' ', debit_account_id, credit_account_id, amount_minor, asset) as facts from transfers where payment_id is not null`;
const UNANSWERED = `select idempotency_key as key from idempotency_records where reply_status is null and copy_of is null`;
const ACCOUNTS = `select id || ' ' || version || ' ' || posted_debits || ' ' || posted_credits as line from accounts order by 1`;
const ACCOUNT_VIEWS = `select id || ' ' || version || ' ' || posted_debits_minor || ' ' || posted_credits_minor as line from account_views order by 1`;

/** What the client was told, what payments decided, what the ledger booked and what the gateway shows: four accounts of one story. */
export async function paymentFindings(databases: Databases, sent: readonly SentPayment[]): Promise<Finding[]> {
  const [owner, views, transfers] = await Promise.all([
    databases.rows<PaymentRow>('payments', OWNER),
    databases.rows<PaymentRow>('gateway', VIEWS),
    databases.rows<TransferRow>('ledger', TRANSFERS),
  ]);
  const payments = new Map(owner.map((row) => [row.id, row]));
  const booked = new Map(transfers.map((row) => [row.payment_id, row]));
  return [
    ...sent.flatMap((payment) => againstClient(payment, payments)),
    ...owner.flatMap((row) => againstLedger(row, booked.get(row.id))),
    ...transfers
      .filter(({ payment_id }) => !payments.has(payment_id))
      .map(({ payment_id }) => ({ rule: 'I5', what: `transfer of a payment that nobody knows: ${payment_id}` })),
    ...againstViews(payments, views),
    ...(await unanswered(databases)),
    ...(await staleAccounts(databases)),
  ];
}

function againstClient(
  { id, idempotencyKey, acknowledged, final }: SentPayment,
  payments: ReadonlyMap<string, PaymentRow>,
): Finding[] {
  if (acknowledged === 0 || id === undefined)
    return [{ rule: 'I11', what: `${idempotencyKey} was never acknowledged` }];
  const row = payments.get(uuidOf('payment', id));
  if (!row) return [{ rule: 'I11', what: `${id} was acknowledged and does not exist` }];
  if (!final) return [{ rule: 'I11', what: `${id} was acknowledged and its end was never told` }];
  const told = final.status === 201 ? 'succeeded' : 'failed';
  return row.status === told ? [] : [{ rule: 'I14', what: `${id} was told to be ${told} and is ${row.status}` }];
}

function againstLedger({ id, status, facts }: PaymentRow, transfer: TransferRow | undefined): Finding[] {
  if (status === 'succeeded') {
    if (!transfer) return [{ rule: 'I5', what: `payment ${id} succeeded and is not booked` }];
    return transfer.facts === facts
      ? []
      : [{ rule: 'I5', what: `payment ${id} is ${facts} and booked as ${transfer.facts}` }];
  }
  if (status !== 'failed') return [{ rule: 'I15', what: `payment ${id} is still ${status}` }];
  return transfer ? [{ rule: 'I13', what: `payment ${id} failed and is booked` }] : [];
}

function againstViews(payments: ReadonlyMap<string, PaymentRow>, views: readonly PaymentRow[]): Finding[] {
  const shown = new Map(views.map((view) => [view.id, view]));
  const missing = [...payments.keys()]
    .filter((id) => !shown.has(id))
    .map((id) => ({ rule: 'I12', what: `payment ${id} has no view` }));
  const different = views.flatMap((view): Finding[] => {
    const row = payments.get(view.id);
    if (!row)
      return [{ rule: 'I11', what: `payment ${view.id} is shown as ${view.status}, and payments does not know it` }];
    return textOf(row) === textOf(view)
      ? []
      : [{ rule: 'I22', what: `payment ${view.id} is ${textOf(row)}, shown as ${textOf(view)}` }];
  });
  return [...missing, ...different];
}

function textOf({ status, failure_code, version, facts }: PaymentRow): string {
  return `${status} ${failure_code ?? '-'} v${version} ${facts}`;
}

async function unanswered(databases: Databases): Promise<Finding[]> {
  const rows = await databases.rows<{ key: string }>('gateway', UNANSWERED);
  return rows.map(({ key }) => ({ rule: 'I11', what: `no reply is stored under the key ${key}` }));
}

async function staleAccounts(databases: Databases): Promise<Finding[]> {
  const [accounts, views] = await Promise.all([
    databases.rows<{ line: string }>('ledger', ACCOUNTS),
    databases.rows<{ line: string }>('gateway', ACCOUNT_VIEWS),
  ]);
  const shown = new Set(views.map(({ line }) => line));
  const stale = accounts
    .filter(({ line }) => !shown.has(line))
    .map(({ line }) => ({ rule: 'I22', what: `the view of this account differs: ${line}` }));
  return accounts.length === views.length
    ? stale
    : [...stale, { rule: 'I22', what: `${accounts.length} accounts, ${views.length} views of accounts` }];
}
