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

/** A page of a statement as RFC 4180 has it: CRLF, a header, and as many fields in every record. */
export function statementCsv(page: StatementPage, { isFirst, isLast }: PageOrder): string {
  const balanceOnly = (entry: string, balance: string) => [
    entry,
    page.asset,
    ...COLUMNS.map((column) => (column === 'balance' ? balance : '')),
  ];
  const records = [
    ['entry', 'asset', ...COLUMNS],
    ...(isFirst ? [balanceOnly('opening', page.opening_balance)] : []),
    ...page.lines.map((line) => ['transfer', page.asset, ...COLUMNS.map((column) => line[column] ?? '')]),
    ...(isLast ? [balanceOnly('closing', page.closing_balance)] : []),
  ];
  return records.map((record) => `${record.map(csvField).join(',')}\r\n`).join('');
}

/** Spreadsheets run text that begins like a formula; a number below zero is none. */
const FORMULA = /^[=+\-@\t\r]/;
const NUMBER = /^-?\d+$/;

/** One field: quoted where it must be, and harmless to the spreadsheet it is opened with. */
export function csvField(text: string): string {
  const harmless = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
