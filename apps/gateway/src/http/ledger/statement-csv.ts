import { csvRecord } from '../lists/csv.js';
import type { Form } from '../lists/other-forms.js';

/** A page of a statement, as the ledger gives it. */
export interface StatementPage {
  readonly asset: string;
  readonly opening_balance: string;
  readonly closing_balance: string;
  readonly lines: readonly Readonly<Record<string, string | null>>[];
}

const COLUMNS = [
  'transfer',
  'side',
  'amount',
  'balance',
  'counter_account',
  'group',
  'hold',
  'reverses',
  'recorded_at',
  'effective_at',
] as const;

/** Which page of its statement it is: the first tells the opening balance, the last the closing one. */
export interface PageOrder {
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** A page of a statement as CSV, or as a line for each of its transfers. */
export function statementIn(form: Form, page: StatementPage, order: PageOrder, withHeader = true): string {
  if (form === 'csv') return statementCsv(page, order, withHeader);
  return page.lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** A page of a statement as RFC 4180 has it: CRLF, a header, and as many fields in every record. */
export function statementCsv(page: StatementPage, { isFirst, isLast }: PageOrder, withHeader = true): string {
  const balanceOnly = (entry: string, balance: string) => [
    entry,
    page.asset,
    ...COLUMNS.map((column) => (column === 'balance' ? balance : '')),
  ];
  const records = [
    ...(withHeader ? [['entry', 'asset', ...COLUMNS]] : []),
    ...(isFirst ? [balanceOnly('opening', page.opening_balance)] : []),
    ...page.lines.map((line) => ['transfer', page.asset, ...COLUMNS.map((column) => line[column] ?? '')]),
    ...(isLast ? [balanceOnly('closing', page.closing_balance)] : []),
  ];
  return records.map(csvRecord).join('');
}
