import { ASSETS } from '@payflow/money';

/** What an account's history is made of. A payment's own movements are told by the payment, its refunds and its disputes. */
export const HISTORY_TYPES = ['payment', 'transfer', 'hold', 'refund', 'dispute'] as const;
export type HistoryType = (typeof HISTORY_TYPES)[number];

/** One line of the history of some accounts, as the views have it. */
export interface HistoryEntry {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly type: HistoryType;
  readonly id: string;
  readonly status: string;
  /** Null where all that is left was asked for and how much that is, is not known yet. */
  readonly amount: string | null;
  readonly asset: string;
  /** Of a unit of the tenant's own: digits after the decimal point. */
  readonly scale: number | null;
  /** Where the money comes from. */
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly debitPath: string | null;
  readonly creditPath: string | null;
  /** Whether that is one of the accounts that are asked about. */
  readonly isOut: boolean;
  readonly isIn: boolean;
  readonly payment: string | null;
  readonly reference: string | null;
  readonly failure: string | null;
  /** The kind of a transfer, the reason of a dispute or a refund. */
  readonly detail: string | null;
  readonly createdAt: string;
}

const NOUNS: Readonly<Record<string, string>> = {
  reversal: 'Reversal',
  correction: 'Correction',
  hold_posting: 'Posting of a hold',
};
/** Statuses that say nothing but that all went as it should. */
const PLAIN = new Set(['succeeded', 'posted']);

/** The line of the HTTP API. */
export function historyResource(entry: HistoryEntry) {
  const direction = entry.isOut && entry.isIn ? 'internal' : entry.isOut ? 'out' : 'in';
  return {
    object: 'transaction',
    type: entry.type,
    id: entry.id,
    status: entry.status,
    direction,
    amount: entry.amount,
    asset: entry.asset,
    account: direction === 'in' ? entry.creditAccount : entry.debitAccount,
    counterparty: direction === 'in' ? entry.debitAccount : entry.creditAccount,
    description: describe(entry),
    payment: entry.payment,
    reference: entry.reference,
    failure: entry.failure === null ? null : { code: entry.failure },
    livemode: entry.livemode,
    created_at: entry.createdAt,
  };
}

/** One sentence for people: `Payment of 19.99 USD to shops:berlin (order-7)`. */
function describe(entry: HistoryEntry): string {
  const scale = ASSETS.get(entry.asset)?.scale ?? entry.scale ?? 0;
  const sum = entry.amount === null ? 'all that is left' : `${amountText(entry.amount, scale)} ${entry.asset}`;
  const reference = entry.reference === null ? '' : ` (${entry.reference})`;
  const outcome = PLAIN.has(entry.status) ? '' : `, ${entry.status.replaceAll('_', ' ')}`;
  const why = entry.failure === null ? '' : `: ${entry.failure.replaceAll('_', ' ')}`;
  return `${nounOf(entry)} of ${sum} ${wayOf(entry)}${reference}${outcome}${why}`;
}

function nounOf({ type, detail }: HistoryEntry): string {
  if (type === 'transfer') return NOUNS[detail ?? ''] ?? 'Transfer';
  return { payment: 'Payment', hold: 'Hold', refund: 'Refund', dispute: 'Dispute' }[type];
}

function wayOf({ type, isOut, isIn, payment, detail, ...entry }: HistoryEntry): string {
  const from = entry.debitPath ?? entry.debitAccount;
  const to = entry.creditPath ?? entry.creditAccount;
  if (type === 'dispute') return `over ${payment}${detail === null ? '' : ` (${detail.replaceAll('_', ' ')})`}`;
  if (type === 'refund') return `${isIn ? `from ${from}` : `to ${to}`} for ${payment}`;
  if (isOut && isIn) return `from ${from} to ${to}`;
  return isOut ? `to ${to}` : `from ${from}`;
}

/** Minor units with a decimal point where the asset has one. */
function amountText(amount: string, scale: number): string {
  if (scale === 0) return amount;
  const digits = amount.padStart(scale + 1, '0');
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
